#include "host_link.hpp"

#include <net/if.h>

#include <algorithm>

#include "base/check.hpp"
#include "base/defer.hpp"
#include "common/link_removal.hpp"
#include "common/setting.hpp"
#include "linux/netlink/links.hpp"

namespace davit::parent_link {
namespace {

IpPrefix single(const IpAddress& address) { return {address, ipBits(address.family)}; }

std::vector<const Subnet*> subnetsOf(const Network& network) {
    std::vector<const Subnet*> subnets;
    for (const auto* family : {&network.ipv4, &network.ipv6})
        for (const Subnet& subnet : *family) subnets.push_back(&subnet);
    return subnets;
}

// What the host's packets to the subnet come from. Without an address of its own the link answers for the parent's; but of ipvlan's
// links only the address itself is one.
std::optional<IpAddress> hostAddress(const Kind& kind, const Network& network, const Subnet& subnet) {
    if (subnet.host) return subnet.host;
    if (!kind.own_mac) return std::nullopt;
    for (const IpPrefix& address : linux::addressesOf(static_cast<int>(::if_nametoindex(network.parent.c_str()))))
        if (subnet.pool.contains(address.address)) return address.address;
    return std::nullopt;
}

// What the link itself has. For IPv4 a host answers on every link for all of its addresses, for IPv6 only for the link's own.
std::optional<IpAddress> ownAddress(const Kind& kind, const Network& network, const Subnet& subnet) {
    return subnet.pool.address.family == IpFamily::v6 ? hostAddress(kind, network, subnet) : subnet.host;
}

void create(const Kind& kind, const Network& network, int parent) {
    linux::NetlinkBatch batch;
    const std::string name = network.hostLink(kind);
    const bool addressed = !network.ipv4.empty() && network.ipv4.front().host;
    std::optional<linux::MacAddress> mac;
    if (kind.own_mac && addressed) mac = linux::MacAddress::ofAddress(*network.ipv4.front().host);
    kind.add(batch, {.name = name, .parent = parent, .mtu = network.mtu, .mac = mac}, network.mode);
    linux::setAlias(batch, name, network.alias());
    batch.run();
}

// The host is a neighbour there and no router between its other networks and this one.
void restrain(const std::string& name, bool ipv6) {
    (void)writeSetting("ipv4/conf/" + name + "/forwarding", "0");
    (void)writeSetting("ipv6/conf/" + name + "/disable_ipv6", ipv6 ? "0" : "1");
    for (const char* setting : {"accept_ra", "accept_dad"}) (void)writeSetting("ipv6/conf/" + name + "/" + setting, "0");
}

template <typename Change>
void changeRoutes(const Kind& kind, const Network& network, const Endpoint& endpoint, const Change& change) {
    if (!network.host_access) return;
    const int index = static_cast<int>(::if_nametoindex(network.hostLink(kind).c_str()));
    linux::NetlinkBatch batch;
    for (const auto* address : {&endpoint.ipv4, &endpoint.ipv6}) {
        const Subnet* subnet = *address ? network.subnetOf(**address) : nullptr;
        if (subnet != nullptr) change(batch, index, (*address)->address, *subnet);
    }
    if (index != 0) batch.run();
}

}  // namespace

void checkHostAddresses(const Kind& kind, const Network& network) {
    if (!network.host_access) return;
    for (const Subnet* subnet : subnetsOf(network))
        if (!hostAddress(kind, network, *subnet))
            throw error(Code::invalid, "davit.host_access needs an address of the host in {}: --aux-address host=ADDRESS", subnet->pool.text());
}

void setUpHostLink(const Kind& kind, const Network& network, int parent) {
    if (!network.host_access) return;
    const std::string name = network.hostLink(kind);
    const auto present = linux::findLink(name);
    if (present && present->alias != network.alias()) throw error(Code::forbidden, "link {} exists and is somebody else's", name);
    if (!present) create(kind, network, parent);
    Defer undo([&] {
        if (!present) removeHostLink(kind, network);
    });
    restrain(name, !network.ipv6.empty());
    const int index = static_cast<int>(::if_nametoindex(name.c_str()));
    linux::NetlinkBatch batch;
    for (const Subnet* subnet : subnetsOf(network))
        if (const auto own = ownAddress(kind, network, *subnet)) linux::addAddress(batch, index, single(*own));
    linux::setUp(batch, index);
    batch.run();
    undo.dismiss();
}

void removeHostLink(const Kind& kind, const Network& network) { removeOwnLink(network.hostLink(kind), network.alias()); }

void addHostRoutes(const Kind& kind, const Network& network, const Endpoint& endpoint) {
    changeRoutes(kind, network, endpoint, [&](linux::NetlinkBatch& batch, int index, const IpAddress& to, const Subnet& subnet) {
        linux::addRoute(batch, to, index, hostAddress(kind, network, subnet));
    });
}

void removeHostRoutes(const Kind& kind, const Network& network, const Endpoint& endpoint) {
    try {
        changeRoutes(kind, network, endpoint, [](linux::NetlinkBatch& batch, int index, const IpAddress& to, const Subnet&) {
            linux::deleteRoute(batch, to, index);
        });
    } catch (const Error& e) {
        if (e.sysErrno() != ESRCH && e.sysErrno() != ENODEV) throw;
    }
}

}  // namespace davit::parent_link
