// What a network of endpoints on one parent link is: the options of CreateNetwork, read and checked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.hpp"
#include "driver/network_driver.hpp"
#include "kind.hpp"

namespace davit::parent_link {

struct Subnet {
    IpPrefix pool;
    std::optional<IpAddress> gateway;
    std::optional<IpAddress> host;  ///< the auxiliary address "host": the host's own on the network, if it has access
};

struct Network {
    std::string id;
    std::string parent;
    bool placeholder = false;  ///< nobody named a parent: it is one of ours that leads nowhere
    bool internal = false;
    bool host_access = false;
    Mode mode;
    unsigned mtu = 0;  ///< 0: the parent's
    std::vector<Subnet> ipv4, ipv6;

    [[nodiscard]] std::string hostLink(const Kind& kind) const { return kind.host_prefix + id.substr(0, 12); }
    /// Says on a link whose it is.
    [[nodiscard]] std::string alias() const { return "davit network " + id; }
    /// The one that the address is in; null: none.
    [[nodiscard]] const Subnet* subnetOf(const IpPrefix& address) const;
};

/// Throws Error{invalid} with Docker's texts. An option of davit's own that this driver doesn't know is refused, and so is every wish
/// for encryption: silence would be taken for consent.
[[nodiscard]] Network readNetwork(const Kind& kind, const CreateNetwork& request);

}  // namespace davit::parent_link
