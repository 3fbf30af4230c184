// Pump: carries bytes both ways between a stream and a socket, half-closes included, without a thread of its own. For a
// TLS client whose container's shim needs a plain descriptor.
#pragma once

#include <memory>
#include <string>

#include "http/reactor.hpp"
#include "http/stream.hpp"

namespace davit::http {

/// Makes a socket pair, pumps between `stream` and one end on the reactor's thread until both directions have ended or
/// one side fails, and returns the other end (non-blocking). At most 64 KiB wait in each direction. Any thread.
[[nodiscard]] UniqueFd pumpToSocket(Reactor& reactor, std::unique_ptr<Stream> stream);

}  // namespace davit::http
