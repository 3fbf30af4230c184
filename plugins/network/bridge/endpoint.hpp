// Endpoint: a container's place on a network, as it is kept over a restart.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.hpp"
#include "driver/network_driver.hpp"
#include "linux/netlink/mac_address.hpp"
#include "port_map.hpp"

namespace davit::bridge {

/// Limits in bytes per second.
struct Rates {
    std::optional<std::uint64_t> in;   ///< to the container
    std::optional<std::uint64_t> out;  ///< from it

    bool operator==(const Rates&) const noexcept = default;
};

/// Those of the options "com.davit.rate-in" and "com.davit.rate-out" that are named take the place of what `rates` has; no other is
/// read. Throws Error{invalid} for what is no rate.
[[nodiscard]] Rates readRates(Rates rates, const JsonOptions& options);

struct Endpoint {
    std::string id;
    std::string network_id;
    std::optional<IpPrefix> ipv4, ipv6;
    linux::MacAddress mac;
    std::string interface;  ///< its name in the sandbox; empty: not joined
    std::string sandbox;    ///< path of the network namespace
    Rates rates;
    std::vector<PublishedPort> ports;

    [[nodiscard]] const std::optional<IpPrefix>& address(IpFamily family) const noexcept { return family == IpFamily::v4 ? ipv4 : ipv6; }
    /// The name of its link on the host.
    [[nodiscard]] std::string hostLink() const { return "veth" + id.substr(0, 7); }
    /// The name of the other end while an engine has yet to move it into a sandbox.
    [[nodiscard]] std::string looseLink() const { return "vethc" + id.substr(0, 7); }
    /// Says on the link whose it is.
    [[nodiscard]] std::string alias() const { return "davit endpoint " + id; }
};

[[nodiscard]] std::string toJson(const Endpoint& endpoint);
/// Throws Error{invalid} for what toJson() didn't write.
[[nodiscard]] Endpoint endpointFromJson(const std::string& text);

}  // namespace davit::bridge
