// What connecting to unix and TCP sockets has in common. Internal to core/http.
#pragma once

#include <sys/socket.h>

#include <string>

#include "http/stream.hpp"

namespace davit::http {

/// Connects a non-blocking socket; 0 or an errno (ETIMEDOUT when `deadline` passes).
[[nodiscard]] int dial(int fd, const sockaddr* address, socklen_t size, Deadline deadline);

/// Throws Error{unavailable} "dial WHERE: connect: REASON", worded as Go's net package does, because clients look for
/// "connection refused".
[[noreturn]] void dialFailed(const std::string& where, int code);

}  // namespace davit::http
