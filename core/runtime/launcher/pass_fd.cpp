#include "runtime/launcher/pass_fd.hpp"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

namespace davit::launcher {
namespace {

/// A message of one part with room for one descriptor.
struct Message {
    Message(void* data, size_t size) : part{data, size} {
        header.msg_iov = &part;
        header.msg_iovlen = 1;
        header.msg_control = control;
        header.msg_controllen = sizeof control;
    }
    struct iovec part;
    alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    struct msghdr header {};
};

}  // namespace

bool sendWithFd(int socket, const void* data, size_t size, int fd) {
    Message message(const_cast<void*>(data), size);  // sendmsg only reads
    struct cmsghdr* entry = CMSG_FIRSTHDR(&message.header);
    entry->cmsg_level = SOL_SOCKET;
    entry->cmsg_type = SCM_RIGHTS;
    entry->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(entry), &fd, sizeof fd);
    return ::sendmsg(socket, &message.header, MSG_NOSIGNAL) >= 0;
}

ssize_t receiveWithFd(int socket, void* data, size_t size, Fd* fd) {
    Message message(data, size);
    ssize_t count;
    do count = ::recvmsg(socket, &message.header, MSG_CMSG_CLOEXEC);
    while (count < 0 && errno == EINTR);
    fd->reset();
    const struct cmsghdr* entry = count > 0 ? CMSG_FIRSTHDR(&message.header) : nullptr;
    if (entry == nullptr || entry->cmsg_level != SOL_SOCKET || entry->cmsg_type != SCM_RIGHTS) return count;
    int received = -1;
    memcpy(&received, CMSG_DATA(entry), sizeof received);
    fd->reset(received);
    return count;
}

}  // namespace davit::launcher
