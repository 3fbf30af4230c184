#include "resolver/forward.hpp"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/error.hpp"

namespace davit::resolver {
namespace {

constexpr std::size_t kMostServers = 3;  // as resolv.conf(5) and Docker

/// Ids that nobody outside can guess.
std::uint16_t randomId() {
    static std::array<std::uint16_t, 256> pool{};
    static std::size_t used = pool.size();
    if (used == pool.size()) {
        if (::getrandom(pool.data(), sizeof pool, 0) != static_cast<ssize_t>(sizeof pool)) std::abort();
        used = 0;
    }
    return pool[used++];
}

}  // namespace

Forward::Forward(EventLoop& loop, const NamespaceSwitch& namespaces, Query query, ForwardOptions options, Done done)
    : loop_(loop), namespaces_(namespaces), query_(std::move(query)), options_(std::move(options)), done_(std::move(done)) {
    askNext();
}

void Forward::askNext() {
    watch_.reset();
    socket_.reset();
    const std::size_t count = std::min(options_.upstreams.size(), kMostServers);
    while (next_ < count) {
        if (!ask(options_.upstreams[next_++])) continue;
        timer_ = loop_.after(options_.patience, [this] { askNext(); });
        return;
    }
    timer_ = loop_.after(std::chrono::milliseconds(0), [this] { finish(query_.empty(Rcode::server_failure)); });
}

bool Forward::ask(const Upstream& upstream) {
    const std::optional<SocketAddress> server = SocketAddress::of(upstream.address, options_.port);
    if (!server) return false;
    const int type = options_.transport == Transport::udp ? SOCK_DGRAM : SOCK_STREAM;
    UniqueFd socket = upstream.from_host ? NamespaceSwitch::socketAtHome(server->storage.ss_family, type)
                                         : namespaces_.socketIn(options_.namespace_fd, server->storage.ss_family, type);
    if (!socket) return false;
    id_ = randomId();
    socket_ = std::make_unique<UpstreamSocket>(std::move(socket), options_.transport, query_.forwarded(id_));
    if (!socket_->connect(*server)) return false;
    try {
        watch_ = loop_.watch(socket_->fd(), socket_->awaited(), [this](std::uint32_t) { ready(); });
    } catch (const Error&) {  // the kernel's limits
        return false;
    }
    return true;
}

void Forward::ready() {
    while (true) {
        switch (socket_->advance()) {
            case UpstreamSocket::Progress::waiting: return watch_.change(socket_->awaited());
            case UpstreamSocket::Progress::broken: return askNext();
            case UpstreamSocket::Progress::arrived: break;
        }
        switch (query_.judge(socket_->reply(), id_)) {
            case Verdict::foreign: continue;
            case Verdict::retry: return askNext();
            case Verdict::accepted: return finish(query_.returned(socket_->reply(), options_.limit));
        }
    }
}

void Forward::finish(std::string reply) {
    watch_.reset();
    timer_.reset();
    const Done done = done_;  // it may destroy this object
    done(std::move(reply));
}

}  // namespace davit::resolver
