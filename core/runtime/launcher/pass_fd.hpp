// A descriptor that travels with a message over a unix socket.
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "runtime/launcher/fs.hpp"

namespace davit::launcher {

/// Sends `size` bytes and `fd` in one message; false and errno.
bool sendWithFd(int socket, const void* data, size_t size, int fd);

/// Receives one message; `*fd` owns the descriptor that came with it, or nothing. The result is recvmsg(2)'s; EINTR isn't one.
ssize_t receiveWithFd(int socket, void* data, size_t size, Fd* fd);

}  // namespace davit::launcher
