// Connecting to unix and TCP sockets.
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "base/check.hpp"
#include "http/stream.hpp"

namespace davit::http {
namespace {

// Go's net package words system errors in lower case, and clients look for "connection refused".
std::string reasonOf(int code) {
    switch (code) {
        case ECONNREFUSED: return "connection refused";
        case ENOENT: return "no such file or directory";
        case EACCES: return "permission denied";
        case ETIMEDOUT: return "i/o timeout";
        case ENETUNREACH: return "network is unreachable";
        case EHOSTUNREACH: return "no route to host";
        default: {
            char buffer[128];
            return ::strerror_r(code, buffer, sizeof buffer);
        }
    }
}

[[noreturn]] void failed(const std::string& where, int code) {
    throw Error(Code::unavailable, "dial " + where + ": connect: " + reasonOf(code), code);
}

// Returns 0 or an errno.
int connectBy(int fd, const sockaddr* address, socklen_t size, Deadline deadline) {
    while (::connect(fd, address, size) != 0) {
        if (errno == EINTR) continue;
        // A unix socket whose queue is full says EAGAIN and gives nothing to poll for.
        if (errno == EAGAIN && address->sa_family == AF_UNIX) {
            if (std::chrono::steady_clock::now() >= deadline) return ETIMEDOUT;
            (void)::poll(nullptr, 0, 5);
            continue;
        }
        if (errno != EINPROGRESS && errno != EALREADY) return errno == EISCONN ? 0 : errno;
        if (!pollUntil(fd, POLLOUT, deadline)) return ETIMEDOUT;
        int result = 0;
        socklen_t length = sizeof result;
        check(::getsockopt(fd, SOL_SOCKET, SO_ERROR, &result, &length), "getsockopt");
        return result;
    }
    return 0;
}

}  // namespace

std::unique_ptr<Stream> connectUnix(const std::string& path, Deadline deadline) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) throw error(Code::invalid, "dial unix {}: path too long", path);
    std::memcpy(address.sun_path, path.data(), path.size());
    UniqueFd socket(check(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "create a socket"));
    const int code = connectBy(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address, deadline);
    if (code != 0) failed("unix " + path, code);
    return streamOf(std::move(socket));
}

std::unique_ptr<Stream> connectTcp(const std::string& host, std::uint16_t port, Deadline deadline) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int result = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
    if (result != 0) throw error(Code::unavailable, "dial tcp: lookup {}: {}", host, ::gai_strerror(result));
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(found, &::freeaddrinfo);
    int code = EHOSTUNREACH;
    for (const addrinfo* at = list.get(); at != nullptr; at = at->ai_next) {
        UniqueFd socket(::socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (!socket) continue;
        code = connectBy(socket.get(), at->ai_addr, at->ai_addrlen, deadline);
        if (code != 0) continue;
        const int on = 1;  // small requests must not wait for acknowledgements
        (void)::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        return streamOf(std::move(socket));
    }
    failed("tcp " + host + ":" + std::to_string(port), code);
}

}  // namespace davit::http
