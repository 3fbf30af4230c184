// connectTo(): a stream to a plugin server. Apart from server_address.hpp, because it brings TLS with it.
#pragma once

#include <memory>

#include "http/stream.hpp"
#include "plugin/server_address.hpp"

namespace davit::plugin {

/// Throws Error{unavailable} naming the address, Error{deadline}.
[[nodiscard]] std::unique_ptr<http::Stream> connectTo(const ServerAddress& address, http::Deadline deadline);

}  // namespace davit::plugin
