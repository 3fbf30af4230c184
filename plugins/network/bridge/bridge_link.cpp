#include "bridge_link.hpp"

#include <net/if.h>

#include <algorithm>

#include "base/check.hpp"
#include "base/defer.hpp"
#include "common/link_removal.hpp"
#include "common/setting.hpp"
#include "linux/netlink/link_requests.hpp"
#include "linux/netlink/links.hpp"

namespace davit::bridge {
namespace {

// The host's own view of IPv6 on the bridge: nothing without a subnet, and never what a container announces.
void configureIpv6(const Network& network) {
    const std::string conf = "ipv6/conf/" + network.bridge + "/";
    (void)writeSetting(conf + "accept_ra", "0");
    // For a second or two after the first port came up the kernel would look for duplicates of its link-local address, and until
    // then forwarded packets find no neighbour.
    (void)writeSetting(conf + "accept_dad", "0");
    (void)writeSetting(conf + "disable_ipv6", network.ipv6 && network.ipv6->mode != GatewayMode::isolated ? "0" : "1");
}

int requireBridge(const linux::Link& link) {
    if (link.kind != "bridge")
        throw error(Code::forbidden, "link {} exists and is {} and no bridge", link.name, link.kind.empty() ? "a device" : link.kind);
    return link.index;
}

constexpr std::string_view kAlias = "davit network ";

std::string aliasOf(const Network& network) { return std::string(kAlias) + network.id; }

/// The default bridge has the same name for every id of its network: one that a lost state left is in the way of the next, with
/// addresses of its own.
bool isLeftOver(const Network& network, const linux::Link& link) {
    if (!network.default_bridge || !link.alias.starts_with(kAlias) || link.alias == aliasOf(network)) return false;
    const std::vector<linux::Link> links = linux::allLinks();
    return std::none_of(links.begin(), links.end(), [&](const linux::Link& one) { return one.master == link.index; });
}

linux::MacAddress bridgeMac(const Network& network) {
    return network.ipv4 && network.ipv4->gateway ? linux::MacAddress::ofAddress(network.ipv4->gateway->address)
                                                 : linux::MacAddress::random();
}

void giveAddresses(const Network& network, int index) {
    const std::vector<IpPrefix> present = linux::addressesOf(index);
    linux::NetlinkBatch batch;
    for (const IpPrefix& wanted : network.gateways())
        if (std::find(present.begin(), present.end(), wanted) == present.end()) linux::addAddress(batch, index, wanted);
    linux::setUp(batch, index);
    batch.run();
}

}  // namespace

MadeBridge setUpBridge(const Network& network) {
    MadeBridge made;
    auto present = linux::findLink(network.bridge);
    if (present && isLeftOver(network, *present)) {
        removeLink(network.bridge);
        present.reset();
    }
    if (present) {
        // One with our remark is what a process left that died before it could say that it had made it.
        made = {.index = requireBridge(*present), .adopted = present->alias != aliasOf(network)};
    } else {
        linux::NetlinkBatch batch;
        linux::addBridge(batch, {.name = network.bridge, .mac = bridgeMac(network), .mtu = network.mtu});
        linux::setAlias(batch, network.bridge, aliasOf(network));
        batch.run();
        made.index = check(static_cast<int>(::if_nametoindex(network.bridge.c_str())) - 1, "find bridge {}", network.bridge) + 1;
    }
    Defer undo([&] {
        if (!made.adopted) removeLink(network.bridge);
    });
    configureIpv6(network);
    giveAddresses(network, made.index);
    undo.dismiss();
    return made;
}

void removeBridgeOf(const std::string& network_id) {
    for (const linux::Link& link : linux::allLinks())
        if (link.kind == "bridge" && link.alias == std::string(kAlias) + network_id) removeLink(link.name);
}

int bridgeIndex(const Network& network) {
    const unsigned index = ::if_nametoindex(network.bridge.c_str());
    return index != 0 ? static_cast<int>(index) : setUpBridge(network).index;
}

}  // namespace davit::bridge
