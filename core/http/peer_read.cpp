#include "http/peer_read.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <thread>

namespace davit::http {
namespace {

bool isUnixSocket(int socket) {
    sockaddr_un address{};
    socklen_t size = sizeof address;
    return ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0 && address.sun_family == AF_UNIX;
}

/// Of a unix socket: what lies in the peer's queue. TCP counts what isn't acknowledged, which says nothing of the program.
int unreadBytes(int socket) {
    int bytes = 0;
    return ::ioctl(socket, SIOCOUTQ, &bytes) == 0 ? bytes : 0;
}

}  // namespace

void waitUntilRead(int socket, std::chrono::milliseconds limit) noexcept {
    using std::chrono::microseconds;
    if (!isUnixSocket(socket)) return;
    const auto deadline = std::chrono::steady_clock::now() + limit;
    for (microseconds pause{30}; unreadBytes(socket) > 0 && std::chrono::steady_clock::now() < deadline;) {
        std::this_thread::sleep_for(pause);
        pause = std::min(pause * 2, microseconds(1000));
    }
}

}  // namespace davit::http
