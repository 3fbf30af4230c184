#include "runtime/launcher/pass_fd.hpp"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

namespace davit::launcher {
namespace {

/// A message of one part with room for descriptors.
struct Message {
    Message(void* data, size_t size) : part{data, size} {
        header.msg_iov = &part;
        header.msg_iovlen = 1;
        header.msg_control = control;
        header.msg_controllen = sizeof control;
    }
    struct iovec part;
    alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxPassed)] = {};
    struct msghdr header {};
};

}  // namespace

bool sendWithFds(int socket, const void* data, size_t size, const int* fds, uint32_t count) {
    if (count > kMaxPassed) return errno = EINVAL, false;
    Message message(const_cast<void*>(data), size);  // sendmsg only reads
    message.header.msg_controllen = CMSG_SPACE(sizeof(int) * count);
    struct cmsghdr* entry = CMSG_FIRSTHDR(&message.header);
    entry->cmsg_level = SOL_SOCKET;
    entry->cmsg_type = SCM_RIGHTS;
    entry->cmsg_len = CMSG_LEN(sizeof(int) * count);
    memcpy(CMSG_DATA(entry), fds, sizeof(int) * count);
    return ::sendmsg(socket, &message.header, MSG_NOSIGNAL) >= 0;
}

bool sendWithFd(int socket, const void* data, size_t size, int fd) { return sendWithFds(socket, data, size, &fd, 1); }

ssize_t receiveWithFds(int socket, void* data, size_t size, Fd* fds, uint32_t capacity) {
    Message message(data, size);
    ssize_t count;
    do count = ::recvmsg(socket, &message.header, MSG_CMSG_CLOEXEC);
    while (count < 0 && errno == EINTR);
    for (uint32_t i = 0; i < capacity; ++i) fds[i].reset();
    struct cmsghdr* entry = count > 0 ? CMSG_FIRSTHDR(&message.header) : nullptr;
    if (entry == nullptr || entry->cmsg_level != SOL_SOCKET || entry->cmsg_type != SCM_RIGHTS) return count;
    const size_t received = (entry->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < received; ++i) {
        int descriptor = -1;
        memcpy(&descriptor, CMSG_DATA(entry) + i * sizeof(int), sizeof descriptor);
        Fd owner(descriptor);
        if (i < capacity) fds[i] = static_cast<Fd&&>(owner);
    }
    return count;
}

ssize_t receiveWithFd(int socket, void* data, size_t size, Fd* fd) { return receiveWithFds(socket, data, size, fd, 1); }

}  // namespace davit::launcher
