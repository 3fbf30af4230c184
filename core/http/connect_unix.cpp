#include <poll.h>
#include <sys/un.h>

#include <cstring>

#include "base/check.hpp"
#include "http/dial.hpp"

namespace davit::http {
namespace {

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

}  // namespace

void dialFailed(const std::string& where, int code) {
    throw Error(Code::unavailable, "dial " + where + ": connect: " + reasonOf(code), code);
}

int dial(int fd, const sockaddr* address, socklen_t size, Deadline deadline) {
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

std::unique_ptr<Stream> connectUnix(const std::string& path, Deadline deadline) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) throw error(Code::invalid, "dial unix {}: path too long", path);
    std::memcpy(address.sun_path, path.data(), path.size());
    UniqueFd socket(check(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "create a socket"));
    const int code = dial(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address, deadline);
    if (code != 0) dialFailed("unix " + path, code);
    return streamOf(std::move(socket));
}

}  // namespace davit::http
