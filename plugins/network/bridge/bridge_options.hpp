// What a network is made of: the options of CreateNetwork, read and checked.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/ip.hpp"
#include "driver/network_driver.hpp"

namespace davit::bridge {

/// How packets get from outside to the containers' own addresses.
enum class GatewayMode {
    nat,              ///< published ports only, through the host's addresses
    nat_unprotected,  ///< the same, and every port directly
    routed,           ///< no translation: published ports directly
    isolated,         ///< internal networks: the host has no address on the bridge
};

/// One family of a network.
struct Subnet {
    IpPrefix pool;
    std::optional<IpPrefix> gateway;  ///< the bridge's own address
    std::optional<IpAddress> default_gateway;  ///< what containers use in its place
    GatewayMode mode = GatewayMode::nat;
};

/// Names in it are checked: they may stand in a rule set.
struct Network {
    std::string id;
    std::string bridge;  ///< the link's name
    std::optional<Subnet> ipv4, ipv6;
    unsigned mtu = 0;  ///< 0: the kernel's
    bool internal = false;
    bool default_bridge = false;  ///< its bridge has a name that outlives the network's id
    bool icc = true;            ///< containers may talk to each other
    bool masquerade = true;     ///< what leaves has the host's address
    bool inhibit_ipv4 = false;  ///< the bridge gets no IPv4 address
    std::optional<IpAddress> host_binding;  ///< where ports without a host address are published
    std::vector<std::string> trusted_interfaces;  ///< from them published ports are reached directly
    std::string interface_prefix = "eth";

    [[nodiscard]] const std::optional<Subnet>& subnet(IpFamily family) const noexcept { return family == IpFamily::v4 ? ipv4 : ipv6; }
    /// What the bridge's addresses should be.
    [[nodiscard]] std::vector<IpPrefix> gateways() const;
};

/// Throws Error{invalid} naming the option. An option of this driver that it doesn't know is refused, and so is every wish for
/// encryption: silence would be taken for consent.
[[nodiscard]] Network readNetwork(const CreateNetwork& request);

}  // namespace davit::bridge
