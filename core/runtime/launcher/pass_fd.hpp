// Descriptors that travel with a message over a unix socket.
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "runtime/launcher/fs.hpp"

namespace davit::launcher {

inline constexpr uint32_t kMaxPassed = 253;  ///< the kernel's limit for one message

/// Sends `size` bytes and the descriptors in one message; false and errno.
bool sendWithFds(int socket, const void* data, size_t size, const int* fds, uint32_t count);
bool sendWithFd(int socket, const void* data, size_t size, int fd);

/// Receives one message; `fds` own the descriptors that came with it, in order, those beyond `capacity` are closed. The result is
/// recvmsg(2)'s; EINTR isn't one.
ssize_t receiveWithFds(int socket, void* data, size_t size, Fd* fds, uint32_t capacity);
ssize_t receiveWithFd(int socket, void* data, size_t size, Fd* fd);

}  // namespace davit::launcher
