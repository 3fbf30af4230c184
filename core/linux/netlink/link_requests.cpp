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

}  // namespace

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

}  // namespace davit::linux
