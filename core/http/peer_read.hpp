// Waiting for the other side to have read what it was sent.
#pragma once

#include <chrono>

namespace davit::http {

/// Some clients (docker-py) read a reply's head through a buffer and what follows from the socket itself: bytes of a stream
/// that arrive together with the head are lost to them. Returns when the peer of a unix socket has read everything, at once
/// for other sockets, and after `limit` in any case: a client that doesn't read has itself to blame.
void waitUntilRead(int socket, std::chrono::milliseconds limit) noexcept;

}  // namespace davit::http
