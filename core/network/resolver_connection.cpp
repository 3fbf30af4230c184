#include "network/resolver_connection.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <unistd.h>

#include <csignal>
#include <cstring>

#include "base/check.hpp"

namespace davit::network {
namespace {

using resolver::Message;
using Operation = resolver::Message::Operation;

constexpr std::chrono::milliseconds kPatience{2000};
constexpr timeval kSendTimeout{2, 0};
constexpr int kSendBuffer = 1 << 20;
constexpr int kBacklog = 4;

sockaddr_un addressOf(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string& text = path.native();
    if (text.size() >= sizeof address.sun_path) throw error(Code::system, "{} is too long for a socket", text);
    std::memcpy(address.sun_path, text.c_str(), text.size());
    return address;
}

UniqueFd newSocket() {
    UniqueFd socket(check(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), "open a socket to the resolver"));
    check(::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &kSendTimeout, sizeof kSendTimeout), "set a socket's timeout");
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUFFORCE, &kSendBuffer, sizeof kSendBuffer);  // a wish
    return socket;
}

/// Invalid when nobody listens there.
UniqueFd connectTo(const std::filesystem::path& path) {
    UniqueFd socket = newSocket();
    const sockaddr_un address = addressOf(path);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return {};
    return socket;
}

UniqueFd listenAt(const std::filesystem::path& path) {
    UniqueFd socket = newSocket();
    const sockaddr_un address = addressOf(path);
    (void)::unlink(path.c_str());  // what an earlier one left; bind says if it can't be helped
    check(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind {}", path.string());
    check(::chmod(path.c_str(), 0600), "change the mode of {}", path.string());
    check(::listen(socket.get(), kBacklog), "listen on {}", path.string());
    return socket;
}

UniqueFd peerOf(int socket) {
    ucred peer{};
    socklen_t size = sizeof peer;
    check(::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size), "ask who the resolver is");
    return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, peer.pid, 0)));
}

bool readable(int fd, std::chrono::milliseconds timeout) {
    pollfd waited{fd, POLLIN, 0};
    return ::poll(&waited, 1, static_cast<int>(timeout.count())) > 0;
}

}  // namespace

std::unique_ptr<ResolverConnection> ResolverConnection::toExisting(const std::filesystem::path& socket) {
    UniqueFd fd = connectTo(socket);
    if (!fd) return nullptr;
    UniqueFd peer = peerOf(fd.get());
    std::unique_ptr<ResolverConnection> connection(new ResolverConnection(std::move(fd), std::move(peer), std::nullopt));
    connection->send({.operation = Operation::hello, .version = resolver::kProtocolVersion});
    bool ended = false;
    std::optional<Message> answer;
    if (readable(connection->fd(), kPatience)) answer = connection->receive(ended);
    if (answer && answer->operation == Operation::hello && answer->version == resolver::kProtocolVersion) return connection;
    (void)connection->end();
    return nullptr;
}

std::unique_ptr<ResolverConnection> ResolverConnection::toNew(const std::filesystem::path& program, const std::filesystem::path& socket) {
    const UniqueFd listener = listenAt(socket);
    UniqueFd fd = connectTo(socket);
    if (!fd) throw Error::system("connect to " + socket.string(), errno);
    const UniqueFd null(check(::open("/dev/null", O_RDWR | O_CLOEXEC), "open /dev/null"));
    SpawnOptions options{.program = program, .args = {"davit-resolver", socket}, .env = {}, .inherit = {listener.get()}};
    options.new_session = true;
    options.stderr_fd = null.get();  // ours may be a pipe that somebody waits to see the end of
    ChildProcess child = ChildProcess::spawn(options);
    std::unique_ptr<ResolverConnection> connection(new ResolverConnection(std::move(fd), {}, std::move(child)));
    connection->send({.operation = Operation::hello, .version = resolver::kProtocolVersion});
    return connection;
}

void ResolverConnection::send(const Message& message, const std::vector<int>& descriptors) {
    const bool answered = message.operation != Operation::hello && message.operation != Operation::begin;
    if (answered && unanswered_.fetch_add(1) == 0) since_ = std::chrono::steady_clock::now().time_since_epoch().count();
    if (!resolver::sendPacket(fd_.get(), resolver::encode(message), descriptors)) (void)::shutdown(fd_.get(), SHUT_RDWR);
}

std::optional<Message> ResolverConnection::receive(bool& ended) {
    resolver::Packet packet;
    const resolver::Received received = resolver::receivePacket(fd_.get(), packet);
    ended = received == resolver::Received::end;
    if (received != resolver::Received::packet) return std::nullopt;
    Message message = resolver::decode(packet.text);
    if (message.operation == Operation::done || message.operation == Operation::need) {
        since_ = std::chrono::steady_clock::now().time_since_epoch().count();
        unanswered_.fetch_sub(1);
    }
    return message;
}

std::optional<int> ResolverConnection::patienceLeft() const {
    if (unanswered_ <= 0) return std::nullopt;
    const SteadyTime since{SteadyTime::duration(since_.load())};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(since + kPatience - std::chrono::steady_clock::now());
    return static_cast<int>(std::max<std::chrono::milliseconds::rep>(left.count(), 0));
}

std::string ResolverConnection::end() {
    (void)::shutdown(fd_.get(), SHUT_RDWR);
    if (!child_) {
        if (!pidfd_) return "gone";
        (void)::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);  // fails when it has ended
        return readable(pidfd_.get(), kPatience) ? "ended" : "doesn't end";
    }
    // One that ends by itself has shut the connection a moment before.
    std::optional<ExitStatus> status = child_->wait(std::chrono::milliseconds(100));
    if (!status) {
        (void)child_->signal(SIGKILL);
        status = child_->wait(kPatience);
    }
    if (!status) return "doesn't end";
    return status->signal != 0 ? fmt::format("signal {}", status->signal) : fmt::format("status {}", status->code);
}

void ResolverConnection::release() noexcept {
    if (child_) child_->release();
}

}  // namespace davit::network
