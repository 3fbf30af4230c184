#include "linux/netlink/link_requests.hpp"

#include <fmt/core.h>
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/socket.h>

#include <cstdint>

namespace davit::linux {
namespace {

ifinfomsg linkHeader(int index = 0, unsigned flags = 0, unsigned change = 0) {
    ifinfomsg header{};
    header.ifi_family = AF_UNSPEC;
    header.ifi_index = index;
    header.ifi_flags = flags;
    header.ifi_change = change;
    return header;
}

// In network order.
std::string addressBytes(const IpAddress& address) {
    std::string bytes(ipBits(address.family) / 8, '\0');
    Uint128 number = address.number;
    for (auto at = bytes.rbegin(); at != bytes.rend(); ++at, number >>= 8U) *at = static_cast<char>(number & 0xffU);
    return bytes;
}

ifaddrmsg addressHeader(int index, const IpPrefix& address) {
    ifaddrmsg header{};
    header.ifa_family = address.address.family == IpFamily::v4 ? AF_INET : AF_INET6;
    header.ifa_prefixlen = static_cast<std::uint8_t>(address.length);
    header.ifa_index = static_cast<std::uint32_t>(index);
    return header;
}

void optionalMtu(NetlinkBatch& batch, unsigned mtu) {
    if (mtu != 0) batch.number(IFLA_MTU, static_cast<std::uint32_t>(mtu));
}

// Up to the kind's own attributes, which follow in an open nest; endUpper() closes it.
void beginUpper(NetlinkBatch& batch, const UpperLink& link, const char* kind) {
    batch.begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, fmt::format("create {} {}", kind, link.name));
    batch.header(linkHeader());
    batch.text(IFLA_IFNAME, link.name);
    batch.number(IFLA_LINK, static_cast<std::uint32_t>(link.parent));
    if (link.mac) batch.attribute(IFLA_ADDRESS, link.mac->raw());
    if (link.other_namespace >= 0) batch.number(IFLA_NET_NS_FD, static_cast<std::uint32_t>(link.other_namespace));
    optionalMtu(batch, link.mtu);
    batch.openNest(IFLA_LINKINFO);
    batch.text(IFLA_INFO_KIND, kind);
    batch.openNest(IFLA_INFO_DATA);
}

void endUpper(NetlinkBatch& batch) {
    batch.closeNest();
    batch.closeNest();
}

rtmsg routeHeader(const IpAddress& to) {
    rtmsg header{};
    header.rtm_family = to.family == IpFamily::v4 ? AF_INET : AF_INET6;
    header.rtm_dst_len = static_cast<std::uint8_t>(ipBits(to.family));
    header.rtm_table = RT_TABLE_MAIN;
    header.rtm_protocol = RTPROT_STATIC;
    header.rtm_scope = to.family == IpFamily::v4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
    header.rtm_type = RTN_UNICAST;
    return header;
}

}  // namespace

void addMacvlan(NetlinkBatch& batch, const UpperLink& link, std::uint32_t mode) {
    beginUpper(batch, link, "macvlan");
    batch.number(IFLA_MACVLAN_MODE, mode);
    endUpper(batch);
}

void addIpvlan(NetlinkBatch& batch, const UpperLink& link, std::uint16_t mode, std::uint16_t flags) {
    beginUpper(batch, link, "ipvlan");
    batch.number(IFLA_IPVLAN_MODE, mode);
    batch.number(IFLA_IPVLAN_FLAGS, flags);
    endUpper(batch);
}

void addVlan(NetlinkBatch& batch, const UpperLink& link, std::uint16_t id) {
    beginUpper(batch, link, "vlan");
    batch.number(IFLA_VLAN_ID, id);
    endUpper(batch);
}

void addLink(NetlinkBatch& batch, const std::string& name, const std::string& kind) {
    batch.begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, fmt::format("create {} {}", kind, name));
    batch.header(linkHeader());
    batch.text(IFLA_IFNAME, name);
    batch.openNest(IFLA_LINKINFO);
    batch.text(IFLA_INFO_KIND, kind);
    batch.closeNest();
}

void addBridge(NetlinkBatch& batch, const BridgeLink& link) {
    batch.begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, fmt::format("create bridge {}", link.name));
    batch.header(linkHeader());
    batch.text(IFLA_IFNAME, link.name);
    batch.attribute(IFLA_ADDRESS, link.mac.raw());
    optionalMtu(batch, link.mtu);
    batch.openNest(IFLA_LINKINFO);
    batch.text(IFLA_INFO_KIND, "bridge");
    batch.closeNest();
}

void addVeth(NetlinkBatch& batch, const VethPair& pair) {
    batch.begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, fmt::format("create link {} with {} in the sandbox", pair.name, pair.peer));
    batch.header(linkHeader(0, IFF_UP, IFF_UP));
    batch.text(IFLA_IFNAME, pair.name);
    batch.number(IFLA_MASTER, static_cast<std::uint32_t>(pair.bridge));
    optionalMtu(batch, pair.mtu);
    batch.openNest(IFLA_LINKINFO);
    batch.text(IFLA_INFO_KIND, "veth");
    batch.openNest(IFLA_INFO_DATA);
    batch.openNest(VETH_INFO_PEER);
    batch.header(linkHeader());
    batch.text(IFLA_IFNAME, pair.peer);
    batch.attribute(IFLA_ADDRESS, pair.peer_mac.raw());
    optionalMtu(batch, pair.mtu);
    batch.number(IFLA_NET_NS_FD, static_cast<std::uint32_t>(pair.peer_namespace));
    batch.closeNest();
    batch.closeNest();
    batch.closeNest();
}

void configurePort(NetlinkBatch& batch, const BridgePort& port) {
    batch.begin(RTM_NEWLINK, 0, fmt::format("configure the bridge port {}", port.name));
    batch.header(linkHeader());
    batch.text(IFLA_IFNAME, port.name);
    if (!port.alias.empty()) batch.text(IFLA_IFALIAS, port.alias);
    batch.openNest(IFLA_LINKINFO);
    batch.text(IFLA_INFO_SLAVE_KIND, "bridge");
    batch.openNest(IFLA_INFO_SLAVE_DATA);
    batch.number(IFLA_BRPORT_MODE, static_cast<std::uint8_t>(port.hairpin));
    batch.number(IFLA_BRPORT_ISOLATED, static_cast<std::uint8_t>(port.isolated));
    batch.closeNest();
    batch.closeNest();
}

void setAlias(NetlinkBatch& batch, const std::string& name, const std::string& alias) {
    batch.begin(RTM_NEWLINK, 0, fmt::format("describe link {}", name));
    batch.header(linkHeader());
    batch.text(IFLA_IFNAME, name);
    batch.text(IFLA_IFALIAS, alias);
}

void setUp(NetlinkBatch& batch, int index) {
    batch.begin(RTM_NEWLINK, 0, fmt::format("set link {} up", index));
    batch.header(linkHeader(index, IFF_UP, IFF_UP));
}

void setUp(NetlinkBatch& batch, const std::string& name) {
    batch.begin(RTM_NEWLINK, 0, fmt::format("set link {} up", name));
    batch.header(linkHeader(0, IFF_UP, IFF_UP));
    batch.text(IFLA_IFNAME, name);
}

void setMac(NetlinkBatch& batch, const std::string& name, const MacAddress& mac) {
    batch.begin(RTM_NEWLINK, 0, fmt::format("set the MAC address of link {} to {}", name, mac.text()));
    batch.header(linkHeader());
    batch.text(IFLA_IFNAME, name);
    batch.attribute(IFLA_ADDRESS, mac.raw());
}

void setMtu(NetlinkBatch& batch, int index, unsigned mtu) {
    batch.begin(RTM_NEWLINK, 0, fmt::format("set the MTU of link {} to {}", index, mtu));
    batch.header(linkHeader(index));
    batch.number(IFLA_MTU, static_cast<std::uint32_t>(mtu));
}

void setMaster(NetlinkBatch& batch, const std::string& name, int bridge) {
    batch.begin(RTM_NEWLINK, 0, fmt::format("make link {} a port of bridge {}", name, bridge));
    batch.header(linkHeader());
    batch.text(IFLA_IFNAME, name);
    batch.number(IFLA_MASTER, static_cast<std::uint32_t>(bridge));
}

void setGroup(NetlinkBatch& batch, const std::string& name, unsigned group) {
    batch.begin(RTM_NEWLINK, 0, fmt::format("put link {} into group {}", name, group));
    batch.header(linkHeader());
    batch.text(IFLA_IFNAME, name);
    batch.number(IFLA_GROUP, static_cast<std::uint32_t>(group));
}

void deleteGroup(NetlinkBatch& batch, unsigned group) {
    batch.begin(RTM_DELLINK, 0, fmt::format("delete the links of group {}", group));
    batch.header(linkHeader());
    batch.number(IFLA_GROUP, static_cast<std::uint32_t>(group));
}

void deleteLink(NetlinkBatch& batch, const std::string& name) {
    batch.begin(RTM_DELLINK, 0, fmt::format("delete link {}", name));
    batch.header(linkHeader());
    batch.text(IFLA_IFNAME, name);
}

void addAddress(NetlinkBatch& batch, int index, const IpPrefix& address) {
    batch.begin(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, fmt::format("add address {} to link {}", address.text(), index));
    batch.header(addressHeader(index, address));
    batch.attribute(IFA_LOCAL, addressBytes(address.address));
    batch.attribute(IFA_ADDRESS, addressBytes(address.address));
    if (address.address.family == IpFamily::v6)
        batch.number(IFA_FLAGS, static_cast<std::uint32_t>(IFA_F_NODAD));
    else if (address.length < 31)
        batch.attribute(IFA_BROADCAST, addressBytes(address.last()));
}

void deleteAddress(NetlinkBatch& batch, int index, const IpPrefix& address) {
    batch.begin(RTM_DELADDR, 0, fmt::format("delete address {} of link {}", address.text(), index));
    batch.header(addressHeader(index, address));
    batch.attribute(IFA_LOCAL, addressBytes(address.address));
}

void addRoute(NetlinkBatch& batch, const IpAddress& to, int index, const std::optional<IpAddress>& source) {
    batch.begin(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, fmt::format("set the route to {} through link {}", to.text(), index));
    batch.header(routeHeader(to));
    batch.attribute(RTA_DST, addressBytes(to));
    batch.number(RTA_OIF, static_cast<std::uint32_t>(index));
    if (source) batch.attribute(RTA_PREFSRC, addressBytes(*source));
}

void deleteRoute(NetlinkBatch& batch, const IpAddress& to, int index) {
    batch.begin(RTM_DELROUTE, 0, fmt::format("delete the route to {} through link {}", to.text(), index));
    batch.header(routeHeader(to));
    batch.attribute(RTA_DST, addressBytes(to));
    batch.number(RTA_OIF, static_cast<std::uint32_t>(index));
}

}  // namespace davit::linux
