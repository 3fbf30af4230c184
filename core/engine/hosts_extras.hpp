// What a container's hosts file says that depends on other objects: the daemon's gateways and the containers it is linked to.
#pragma once

#include <string>
#include <vector>

namespace davit::engine {

class EngineCore;
struct Container;

struct HostsExtras {
    std::vector<std::string> gateways;  ///< addresses that "host-gateway" stands for
    std::vector<std::string> lines;     ///< of links
};

/// Throws Error{invalid} "unable to derive the IP value for host-gateway" when the container asks for what isn't there.
[[nodiscard]] HostsExtras hostsExtras(const EngineCore& core, const Container& container);

}  // namespace davit::engine
