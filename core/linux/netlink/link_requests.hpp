// The requests of link set-up, each added to a batch. Nothing happens before NetlinkBatch::run(); links are those of the network
// namespace in which it is called.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/ip.hpp"
#include "linux/netlink/batch.hpp"
#include "linux/netlink/mac_address.hpp"

namespace davit::linux {

struct BridgeLink {
    std::string name;
    MacAddress mac;     ///< fixed: otherwise a bridge takes the lowest of its ports
    unsigned mtu = 0;   ///< 0: the kernel's
};

/// A pair whose one end is a port of a bridge, up, and whose other end is born in another network namespace, down. Moving an
/// interface there later would wait for every CPU; raising it in this request isn't possible before it has its peer.
struct VethPair {
    std::string name;
    std::string peer;
    MacAddress peer_mac;
    int peer_namespace = -1;  ///< a descriptor
    int bridge = 0;           ///< its index
    unsigned mtu = 0;         ///< of both ends; 0: the kernel's
};

struct BridgePort {
    std::string name;
    bool hairpin = false;   ///< frames may leave where they came in: a container that reaches itself through the host
    bool isolated = false;  ///< no frames to and from other isolated ports
    std::string alias;      ///< whose link it is, for people and for finding it again
};

/// A link on top of another one, which may be born in another network namespace than its parent's.
struct UpperLink {
    std::string name;
    int parent = 0;               ///< its index in the namespace of the request
    int other_namespace = -1;     ///< a descriptor; -1: beside its parent
    unsigned mtu = 0;             ///< 0: the parent's
    std::optional<MacAddress> mac = std::nullopt;  ///< none: the kernel's choice
};

/// An existing link of that name is EEXIST.
void addBridge(NetlinkBatch& batch, const BridgeLink& link);
void addVeth(NetlinkBatch& batch, const VethPair& pair);
/// MACVLAN_MODE_* and IPVLAN_MODE_*, IPVLAN_F_* of <linux/if_link.h>.
void addMacvlan(NetlinkBatch& batch, const UpperLink& link, std::uint32_t mode);
void addIpvlan(NetlinkBatch& batch, const UpperLink& link, std::uint16_t mode, std::uint16_t flags);
/// 802.1q: `id` is 1 to 4094.
void addVlan(NetlinkBatch& batch, const UpperLink& link, std::uint16_t id);
/// One that needs nothing but its kind: "dummy". EOPNOTSUPP: the kernel doesn't make such links.
void addLink(NetlinkBatch& batch, const std::string& name, const std::string& kind);
/// Requires: a port of a bridge. By name, so that it may follow addVeth in the same batch.
void configurePort(NetlinkBatch& batch, const BridgePort& port);
/// A remark that the kernel keeps with the link of that name.
void setAlias(NetlinkBatch& batch, const std::string& name, const std::string& alias);
void setUp(NetlinkBatch& batch, int index);
void setUp(NetlinkBatch& batch, const std::string& name);
void setMac(NetlinkBatch& batch, const std::string& name, const MacAddress& mac);
void setMtu(NetlinkBatch& batch, int index, unsigned mtu);
/// Makes a link a port of the bridge of that index.
void setMaster(NetlinkBatch& batch, const std::string& name, int bridge);
/// Links of one group are removed together: the kernel waits once for all of them. An empty group is ENODEV.
void setGroup(NetlinkBatch& batch, const std::string& name, unsigned group);
void deleteGroup(NetlinkBatch& batch, unsigned group);
void deleteLink(NetlinkBatch& batch, const std::string& name);
/// An address that is there already is no error. IPv6 addresses are used without looking for duplicates first: whoever gives
/// them out knows that there are none, and looking takes a second.
void addAddress(NetlinkBatch& batch, int index, const IpPrefix& address);
void deleteAddress(NetlinkBatch& batch, int index, const IpPrefix& address);
/// The way to one address through a link; `source` is what packets there come from. One that is there already is replaced; one that
/// isn't there is ESRCH when it is deleted.
void addRoute(NetlinkBatch& batch, const IpAddress& to, int index, const std::optional<IpAddress>& source);
void deleteRoute(NetlinkBatch& batch, const IpAddress& to, int index);

}  // namespace davit::linux
