#include "endpoint_link.hpp"

#include <fcntl.h>

#include "base/check.hpp"
#include "base/defer.hpp"
#include "base/file.hpp"
#include "bridge_link.hpp"
#include "common/link_removal.hpp"
#include "linux/netlink/in_namespace.hpp"
#include "linux/netlink/link_requests.hpp"
#include "linux/netlink/links.hpp"
#include "linux/netlink/rate_limit.hpp"

namespace davit::bridge {
namespace {

// The group of links that are about to be removed. A number that nobody chooses by chance.
constexpr unsigned kDoomed = 0x64617674;

linux::BridgePort portOf(const Network& network, const Endpoint& endpoint) {
    return {.name = endpoint.hostLink(), .hairpin = true, .isolated = !network.icc, .alias = endpoint.alias()};
}

void createPair(const Attachment& a, const std::string& peer, int sandbox) {
    linux::NetlinkBatch batch;
    linux::addVeth(batch, {.name = a.endpoint.hostLink(),
                           .peer = peer,
                           .peer_mac = a.endpoint.mac,
                           .peer_namespace = sandbox,
                           .bridge = bridgeIndex(a.network),
                           .mtu = a.network.mtu});
    linux::configurePort(batch, portOf(a.network, a.endpoint));
    batch.run();
}

// A pair of that name is what a lost answer or a dead process left behind.
void createPairAfresh(const Attachment& a, const std::string& peer, int sandbox) {
    try {
        createPair(a, peer, sandbox);
    } catch (const Error& e) {
        if (e.sysErrno() != EEXIST) throw;
        removeLink(a.endpoint.hostLink());
        createPair(a, peer, sandbox);
    }
}

}  // namespace

void attach(const Attachment& a) {
    const UniqueFd sandbox = openFile(a.sandbox, O_RDONLY);
    createPairAfresh(a, a.endpoint.interface, sandbox.get());
    Defer undo([&] { removeLink(a.endpoint.hostLink()); });
    linux::inNetworkNamespace(sandbox.get(), [&a] {
        configureInterface({.name = a.endpoint.interface, .ipv4 = a.endpoint.ipv4, .ipv6 = a.endpoint.ipv6, .settings = a.settings});
    });
    // The port first: the bridge has a carrier once one of its ports has.
    linux::settleCarrier(a.endpoint.hostLink());
    linux::settleCarrier(a.network.bridge);
    undo.dismiss();
}

void attachLoose(const Attachment& a) {
    const UniqueFd host = openFile("/proc/thread-self/ns/net", O_RDONLY);
    createPairAfresh(a, a.endpoint.looseLink(), host.get());
}

// Each end limits what it sends.
void limitRates(const Endpoint& endpoint) {
    const bool loose = endpoint.interface == endpoint.looseLink();
    if (loose && endpoint.rates.out)
        throw Error(Code::invalid, "com.davit.rate-out needs an engine that makes the sandbox before the endpoint joins it");
    linux::limitRate(endpoint.hostLink(), endpoint.rates.in);
    if (loose) return;
    const UniqueFd sandbox = openFile(endpoint.sandbox, O_RDONLY);
    linux::inNetworkNamespace(sandbox.get(), [&endpoint] { linux::limitRate(endpoint.interface, endpoint.rates.out); });
}

void makePort(const Network& network, const Endpoint& endpoint, int bridge) {
    linux::NetlinkBatch batch;
    linux::setMaster(batch, endpoint.hostLink(), bridge);
    linux::configurePort(batch, portOf(network, endpoint));
    batch.run();
    linux::settleCarrier(endpoint.hostLink());
    linux::settleCarrier(network.bridge);
}

void detachAll(const std::vector<std::string>& host_links) {
    if (host_links.size() == 1) return removeLink(host_links.front());
    const auto tolerant = [](linux::NetlinkBatch& batch) {
        try {
            batch.run();
        } catch (const Error& e) {
            if (e.sysErrno() != ENODEV) throw;
        }
    };
    linux::NetlinkBatch gather, remove;
    for (const std::string& link : host_links) linux::setGroup(gather, link, kDoomed);
    linux::deleteGroup(remove, kDoomed);
    tolerant(gather);
    tolerant(remove);
}

}  // namespace davit::bridge
