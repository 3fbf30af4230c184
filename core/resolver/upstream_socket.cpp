#include "resolver/upstream_socket.hpp"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace davit::resolver {
namespace {

constexpr std::size_t kLengthSize = 2;

std::string framed(const std::string& message) {
    std::string result;
    result += static_cast<char>(message.size() >> 8);
    result += static_cast<char>(message.size() & 0xff);
    return result + message;
}

bool wouldBlock() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

std::optional<SocketAddress> SocketAddress::of(const std::string& address, std::uint16_t port) {
    SocketAddress result;
    const std::size_t percent = address.find('%');
    auto& v4 = reinterpret_cast<sockaddr_in&>(result.storage);
    auto& v6 = reinterpret_cast<sockaddr_in6&>(result.storage);
    if (::inet_pton(AF_INET, address.c_str(), &v4.sin_addr) == 1) {
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        result.size = sizeof v4;
        return result;
    }
    if (::inet_pton(AF_INET6, address.substr(0, percent).c_str(), &v6.sin6_addr) != 1) return std::nullopt;
    if (percent != std::string::npos) {
        v6.sin6_scope_id = ::if_nametoindex(address.c_str() + percent + 1);
        if (v6.sin6_scope_id == 0) return std::nullopt;
    }
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    result.size = sizeof v6;
    return result;
}

UpstreamSocket::UpstreamSocket(UniqueFd socket, Transport transport, std::string message)
    : socket_(std::move(socket)), transport_(transport), message_(transport == Transport::tcp ? framed(message) : std::move(message)) {}

bool UpstreamSocket::connect(const SocketAddress& server) {
    if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&server.storage), server.size) != 0 && errno != EINPROGRESS)
        return false;
    return transport_ == Transport::tcp || send();
}

std::uint32_t UpstreamSocket::awaited() const noexcept { return message_.empty() ? EPOLLIN : EPOLLOUT; }

bool UpstreamSocket::send() {
    while (!message_.empty()) {
        const ssize_t sent = ::send(socket_.get(), message_.data(), message_.size(), MSG_NOSIGNAL);
        if (sent < 0) return wouldBlock() || errno == ENOTCONN;
        message_.erase(0, static_cast<std::size_t>(sent));
    }
    return true;
}

UpstreamSocket::Progress UpstreamSocket::advance() {
    int failed = 0;
    socklen_t size = sizeof failed;
    (void)::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &failed, &size);  // of a socket that is ours: can't fail
    if (failed != 0 || !send()) return Progress::broken;
    if (!message_.empty()) return Progress::waiting;
    return transport_ == Transport::udp ? receiveDatagram() : receiveStream();
}

UpstreamSocket::Progress UpstreamSocket::receiveDatagram() {
    std::array<char, 65536> buffer;  // NOLINT: not worth clearing
    const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (got < 0) return wouldBlock() ? Progress::waiting : Progress::broken;
    reply_.assign(buffer.data(), static_cast<std::size_t>(got));
    return Progress::arrived;
}

UpstreamSocket::Progress UpstreamSocket::receiveStream() {
    std::array<char, 4096> buffer;  // NOLINT: not worth clearing
    while (true) {
        if (received_.size() >= kLengthSize) {
            const std::size_t length = static_cast<unsigned char>(received_[0]) << 8 | static_cast<unsigned char>(received_[1]);
            if (received_.size() >= kLengthSize + length) {
                reply_ = received_.substr(kLengthSize, length);
                received_.erase(0, kLengthSize + length);
                return Progress::arrived;
            }
        }
        const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
        if (got == 0) return Progress::broken;
        if (got < 0) return wouldBlock() ? Progress::waiting : Progress::broken;
        received_.append(buffer.data(), static_cast<std::size_t>(got));
    }
}

}  // namespace davit::resolver
