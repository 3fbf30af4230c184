#include "resolver/service.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <vector>

#include "base/error.hpp"
#include "resolver/answer.hpp"

namespace davit::resolver {
namespace {

constexpr std::size_t kBatch = 16;
constexpr std::size_t kDatagram = 4096;  // no client's question is longer
constexpr std::size_t kMostClients = 100;
constexpr std::size_t kMostForwards = 1024;  // Docker's
constexpr std::string_view kOwnAddress = "127.0.0.11";

/// Room for one recvmmsg, shared by all services: there is only one thread.
struct Batch {
    std::array<std::array<char, kDatagram>, kBatch> data;
    std::array<sockaddr_in, kBatch> senders;
    std::array<iovec, kBatch> parts;
    std::array<mmsghdr, kBatch> messages;

    int receive(int fd) {
        for (std::size_t at = 0; at < kBatch; ++at) {
            parts[at] = {data[at].data(), kDatagram};
            messages[at] = {};
            messages[at].msg_hdr.msg_name = &senders[at];
            messages[at].msg_hdr.msg_namelen = sizeof senders[at];
            messages[at].msg_hdr.msg_iov = &parts[at];
            messages[at].msg_hdr.msg_iovlen = 1;
        }
        return ::recvmmsg(fd, messages.data(), kBatch, MSG_DONTWAIT, nullptr);
    }
};

Batch g_batch;

}  // namespace

SandboxService::SandboxService(const Surroundings& surroundings, std::string id, SandboxSockets sockets)
    : around_(surroundings), id_(std::move(id)), sockets_(std::move(sockets)) {
    udp_watch_ = around_.loop.watch(sockets_.udp.get(), EPOLLIN, [this](std::uint32_t) { readDatagrams(); });
    tcp_watch_ = around_.loop.watch(sockets_.tcp.get(), EPOLLIN, [this](std::uint32_t) { acceptClients(); });
}

/// One batch for each turn of the loop: a sandbox that asks without end doesn't keep the others waiting.
void SandboxService::readDatagrams() {
    const int count = g_batch.receive(sockets_.udp.get());
    if (count <= 0) return;  // an ICMP error of an earlier reply, or nothing any more
    around_.catch_up();
    for (int at = 0; at < count; ++at) {
        const mmsghdr& message = g_batch.messages[at];
        if ((message.msg_hdr.msg_flags & MSG_TRUNC) != 0) continue;
        handle({.sender = g_batch.senders[at]}, {g_batch.data[at].data(), message.msg_len});
    }
}

void SandboxService::acceptClients() {
    UniqueFd socket(::accept4(sockets_.tcp.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    const bool exhausted = !socket && (errno == EMFILE || errno == ENFILE);
    if ((exhausted && !clients_.empty()) || clients_.size() >= kMostClients) dropClient(clients_.begin()->first);  // the oldest
    if (!socket) return;
    const std::uint64_t number = next_++;
    clients_[number] = std::make_unique<StreamClient>(around_.loop, std::move(socket), [this, number] { readClient(number); });
}

void SandboxService::dropClient(std::uint64_t number) {
    if (auto node = clients_.extract(number)) around_.loop.bury(std::move(node.mapped()));
}

void SandboxService::readClient(std::uint64_t number) {
    const auto found = clients_.find(number);
    if (found == clients_.end()) return;
    StreamClient& client = *found->second;
    around_.catch_up();
    while (const std::optional<std::string> message = client.take()) handle({.connection = number}, *message);
    if (client.ended()) dropClient(number);
}

void SandboxService::handle(const Asker& asker, std::string_view message) {
    try {
        resolve(asker, message);
    } catch (const Error&) {  // what can't be built or started: as good as a message that was lost
    }
}

void SandboxService::resolve(const Asker& asker, std::string_view message) {
    const SandboxNames* const names = around_.tables.find(id_);
    if (names == nullptr) return;  // removed a moment ago
    std::string refusal;
    std::optional<Query> query = Query::parse(message, refusal);
    if (!query) {
        if (!refusal.empty()) reply(asker, refusal);
        return;
    }
    const std::size_t limit = asker.connection != 0 ? kTcpLimit : query->udpLimit();
    if (!around_.complete()) {
        // Silence makes clients ask again; that there is no such name they would believe.
        const std::optional<std::string> known = answerKnown(around_.tables, *names, *query, limit);
        return known ? reply(asker, *known) : void();
    }
    if (const std::optional<std::string> known = answer(around_.tables, *names, *query, limit)) return reply(asker, *known);
    if (forwards_.size() >= kMostForwards) return reply(asker, query->empty(Rcode::refused));
    forward(asker, std::move(*query), *names, limit);
}

void SandboxService::forward(const Asker& asker, Query query, const SandboxNames& names, std::size_t limit) {
    ForwardOptions options{.upstreams = {},
                           .namespace_fd = sockets_.network_namespace.get(),
                           .transport = asker.connection != 0 ? Transport::tcp : Transport::udp,
                           .limit = limit};
    for (const Upstream& upstream : names.upstreams)
        if (upstream.from_host || upstream.address != kOwnAddress) options.upstreams.push_back(upstream);  // no asking itself
    const std::uint64_t number = next_++;
    forwards_[number] = std::make_unique<Forward>(around_.loop, around_.namespaces, std::move(query), std::move(options),
                                                  [this, number, asker](const std::string& message) {
                                                      reply(asker, message);
                                                      if (auto node = forwards_.extract(number))
                                                          around_.loop.bury(std::move(node.mapped()));
                                                  });
}

void SandboxService::reply(const Asker& asker, const std::string& message) {
    if (asker.connection == 0) {
        // A client that doesn't read loses its reply, as everywhere with UDP.
        (void)::sendto(sockets_.udp.get(), message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                       reinterpret_cast<const sockaddr*>(&asker.sender), sizeof asker.sender);
        return;
    }
    const auto found = clients_.find(asker.connection);
    if (found == clients_.end()) return;
    found->second->send(message);
    if (found->second->ended()) dropClient(asker.connection);
}

}  // namespace davit::resolver
