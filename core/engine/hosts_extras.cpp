#include "engine/hosts_extras.hpp"

#include <algorithm>

#include "engine/container.hpp"
#include "engine/core.hpp"
#include "engine/etc_files.hpp"
#include "engine/links.hpp"

namespace davit::engine {
namespace {

std::vector<std::string> gatewaysOf(const EngineCore& core) {
    std::vector<std::string> gateways = core.options()->host_gateways;
    if (!gateways.empty()) return gateways;
    for (const network::AssignedPool& pool : core.parts.networks.find(core.parts.networks.defaultNetwork()).pools)
        if (!pool.pool.gateway.empty()) gateways.push_back(pool.pool.gateway);
    return gateways;
}

}  // namespace

HostsExtras hostsExtras(const EngineCore& core, const Container& container) {
    HostsExtras extras;
    const std::vector<std::string>& hosts = container.host_config->extra_hosts;
    const bool wants_gateway = std::any_of(hosts.begin(), hosts.end(), [](const std::string& one) { return one.ends_with(kHostGateway); });
    if (wants_gateway) {
        extras.gateways = gatewaysOf(core);
        if (extras.gateways.empty()) throw Error(Code::invalid, "unable to derive the IP value for host-gateway");
    }
    extras.lines = linkHosts(core, container);
    return extras;
}

}  // namespace davit::engine
