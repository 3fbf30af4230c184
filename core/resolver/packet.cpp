#include "resolver/packet.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace davit::resolver {
namespace {

constexpr std::size_t kControlSize = CMSG_SPACE(kMostDescriptors * sizeof(int));

union Control {  // aligned for a header
    cmsghdr header;
    char bytes[kControlSize];
};

void takeDescriptors(msghdr& message, std::vector<UniqueFd>& into) {
    for (cmsghdr* entry = CMSG_FIRSTHDR(&message); entry != nullptr; entry = CMSG_NXTHDR(&message, entry)) {
        if (entry->cmsg_level != SOL_SOCKET || entry->cmsg_type != SCM_RIGHTS) continue;
        const std::size_t count = (entry->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t at = 0; at < count; ++at) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(entry) + at * sizeof fd, sizeof fd);
            into.emplace_back(fd);
        }
    }
}

}  // namespace

bool sendPacket(int socket, std::string_view text, const std::vector<int>& descriptors) {
    if (text.size() > kMostPacket || descriptors.size() > kMostDescriptors) {
        errno = EMSGSIZE;
        return false;
    }
    iovec part{const_cast<char*>(text.data()), text.size()};  // sendmsg doesn't write
    Control control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (!descriptors.empty()) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(descriptors.size() * sizeof(int));
        cmsghdr* const entry = CMSG_FIRSTHDR(&message);
        entry->cmsg_level = SOL_SOCKET;
        entry->cmsg_type = SCM_RIGHTS;
        entry->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
        std::memcpy(CMSG_DATA(entry), descriptors.data(), descriptors.size() * sizeof(int));
    }
    ssize_t sent = -1;
    do sent = ::sendmsg(socket, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

Received receivePacket(int socket, Packet& packet) {
    static thread_local const std::unique_ptr<char[]> buffer = std::make_unique<char[]>(kMostPacket);
    packet.text.clear();
    packet.descriptors.clear();
    iovec part{buffer.get(), kMostPacket};
    Control control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control;
    ssize_t got = -1;
    // A peer that closes without having read everything resets the connection, but what it sent before is still there to be read.
    do got = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (got < 0 && (errno == EINTR || errno == ECONNRESET));
    if (got < 0) return errno == EAGAIN ? Received::nothing : Received::end;
    takeDescriptors(message, packet.descriptors);
    if (got == 0 || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) return Received::end;
    packet.text.assign(buffer.get(), static_cast<std::size_t>(got));
    return Received::packet;
}

}  // namespace davit::resolver
