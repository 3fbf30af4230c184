// The published ports of an endpoint: held on the host, translated in the packet filter, given back.
#include <algorithm>

#include "base/defer.hpp"
#include "bridge_driver.hpp"
#include "common/setting.hpp"
#include "conntrack.hpp"

namespace davit::bridge {

void BridgeDriver::programExternalConnectivity(const std::string& network_id, const std::string& endpoint_id, const JsonOptions& options) {
    const Network on = network(network_id);
    Endpoint known = endpoint(network_id, endpoint_id);
    const auto wanted = options.find("com.docker.network.portmap");
    if (!known.ports.empty() || on.internal || wanted == options.end()) return;
    const auto address = [](const std::optional<IpPrefix>& prefix) { return prefix ? std::optional(prefix->address) : std::nullopt; };
    const auto routed = [](const std::optional<Subnet>& subnet) { return subnet && subnet->mode == GatewayMode::routed; };
    known.ports = host_ports_.reserve(endpoint_id, readPortMap(wanted->second),
                                      {.ipv4 = address(known.ipv4),
                                       .ipv6 = address(known.ipv6),
                                       .routed_ipv4 = routed(on.ipv4),
                                       .routed_ipv6 = routed(on.ipv6),
                                       .default_host = on.host_binding});
    Defer undo([&] {
        firewall_.unpublish(endpoint_id);
        host_ports_.release(endpoint_id);
    });
    letLoopbackThrough(on, known.ports);
    if (!known.ports.empty()) firewall_.publish(endpoint_id, network_id, known.ports);
    forgetFlows(known.ports);
    endpoints_.keep(known);
    undo.dismiss();
    watch_.lookAgain();
}

void BridgeDriver::letLoopbackThrough(const Network& network, const std::vector<PublishedPort>& ports) {
    if (std::any_of(ports.begin(), ports.end(), [](const PublishedPort& port) { return port.reachesLoopback(); }))
        (void)writeSetting("ipv4/conf/" + network.bridge + "/route_localnet", "1");
}

void BridgeDriver::revokeExternalConnectivity(const std::string& network_id, const std::string& endpoint_id) {
    auto known = endpoints_.find(network_id, endpoint_id);
    if (!known || known->ports.empty()) return;
    revoke(*known);
    endpoints_.keepReduced(*known);
}

void BridgeDriver::revoke(Endpoint& endpoint) {
    if (endpoint.ports.empty()) return;
    firewall_.unpublish(endpoint.id);
    host_ports_.release(endpoint.id);
    forgetFlows(endpoint.ports);
    endpoint.ports.clear();
    watch_.lookAgain();
}

}  // namespace davit::bridge
