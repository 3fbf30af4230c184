// Where a sandbox's resolver listens: sockets in its namespace at 127.0.0.11, on ports that aren't 53, so that the container may
// have a DNS server of its own on every address; and the packet filter's table there, which brings port 53 of 127.0.0.11 to them.
//
// Threads: any. Nothing here changes the namespace of the caller.
#pragma once

#include <filesystem>

#include "base/unique_fd.hpp"

namespace davit::network {

struct ResolverSockets {
    UniqueFd udp;
    UniqueFd tcp;  ///< listening
    UniqueFd network_namespace;
};

/// `path`: the namespace's file. Earlier ones are replaced: port 53 leads to the sockets that were opened last. Throws Error{system}.
[[nodiscard]] ResolverSockets openResolverSockets(const std::filesystem::path& path);

}  // namespace davit::network
