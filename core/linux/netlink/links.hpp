// The links of a network namespace, as the kernel describes them. All functions look at the namespace of the calling thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.hpp"
#include "linux/netlink/mac_address.hpp"

namespace davit::linux {

/// Since the link was made.
struct Traffic {
    std::uint64_t received_bytes = 0, received_packets = 0, sent_bytes = 0, sent_packets = 0;
};

struct Link {
    int index = 0;
    std::string name;
    std::string kind;  ///< "bridge", "veth"; empty for hardware
    std::string alias;
    MacAddress mac;
    unsigned mtu = 0;
    int master = 0;  ///< the index of its bridge, or 0
    bool up = false;
    Traffic traffic;
};

/// std::nullopt: there is none of that name. Throws Error{system} when the kernel can't be asked.
[[nodiscard]] std::optional<Link> findLink(const std::string& name);
[[nodiscard]] std::vector<Link> allLinks();
/// Those of one link, IPv4 first, without IPv6's link-local ones.
[[nodiscard]] std::vector<IpPrefix> addressesOf(int index);
/// Whether this kernel makes links of that kind, which must be one that needs a parent ("macvlan", "vlan"): no link is made for it.
[[nodiscard]] bool supportsUpperLink(const std::string& kind);
/// Makes the kernel finish what it knows of a link's carrier. It does that late otherwise, and a bridge drops the first packets
/// of a port until then: a connection made at once would wait a second for its first retry. Errors are Error{system}.
void settleCarrier(const std::string& name);

}  // namespace davit::linux
