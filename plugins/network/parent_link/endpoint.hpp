// Endpoint: a container's place on a network, as it is kept over a restart.
#pragma once

#include <optional>
#include <string>

#include "base/ip.hpp"
#include "linux/netlink/mac_address.hpp"

namespace davit::parent_link {

struct Endpoint {
    std::string id;
    std::string network_id;
    std::optional<IpPrefix> ipv4, ipv6;
    std::optional<linux::MacAddress> mac;  ///< none: the link has its parent's
    bool mac_chosen = false;               ///< by the user
    std::string interface;                 ///< its name in the sandbox; empty: not joined
    std::string sandbox;                   ///< path of the network namespace; empty: the engine moves the link there

    [[nodiscard]] bool joined() const noexcept { return !interface.empty(); }
    /// The name of a link that the engine moves.
    [[nodiscard]] std::string hostLink() const { return "dl-" + id.substr(0, 12); }
    /// Says on the link whose it is.
    [[nodiscard]] std::string alias() const { return "davit endpoint " + id; }
};

[[nodiscard]] std::string toJson(const Endpoint& endpoint);
/// Throws Error{invalid} for what is no JSON.
[[nodiscard]] Endpoint endpointFromJson(const std::string& text);

}  // namespace davit::parent_link
