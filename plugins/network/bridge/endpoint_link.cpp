#include "endpoint_link.hpp"

#include <fcntl.h>
#include <net/if.h>

#include <algorithm>

#include "base/check.hpp"
#include "base/defer.hpp"
#include "base/file.hpp"
#include "bridge_link.hpp"
#include "linux/netlink/in_namespace.hpp"
#include "linux/netlink/link_requests.hpp"
#include "linux/netlink/links.hpp"
#include "sysctl.hpp"

namespace davit::bridge {
namespace {

// The group of links that are about to be removed. A number that nobody chooses by chance.
constexpr unsigned kDoomed = 0x64617674;
constexpr int kLoopback = 1;  // its index in every network namespace

void createPair(const Attachment& a, int sandbox) {
    linux::NetlinkBatch batch;
    linux::addVeth(batch, {.name = a.endpoint.hostLink(),
                           .peer = a.endpoint.interface,
                           .peer_mac = a.endpoint.mac,
                           .peer_namespace = sandbox,
                           .bridge = bridgeIndex(a.network),
                           .mtu = a.network.mtu});
    linux::configurePort(batch, {.name = a.endpoint.hostLink(),
                                 .hairpin = true,
                                 .isolated = !a.network.icc,
                                 .alias = a.endpoint.alias()});
    batch.run();
}

// A pair of that name is what a lost answer or a dead process left behind.
void createPairAfresh(const Attachment& a, int sandbox) {
    try {
        createPair(a, sandbox);
    } catch (const Error& e) {
        if (e.sysErrno() != EEXIST) throw;
        detach(a.endpoint.hostLink());
        createPair(a, sandbox);
    }
}

// In the sandbox. IPv6 only where addresses were given out, and never those that a neighbour announces.
void configureInside(const Attachment& a) {
    const std::string conf = "ipv6/conf/" + a.endpoint.interface + "/";
    (void)writeSetting(conf + "disable_ipv6", a.endpoint.ipv6 ? "0" : "1");
    if (a.endpoint.ipv6)
        for (const char* setting : {"accept_ra", "accept_dad"}) (void)writeSetting(conf + setting, "0");
    for (const InterfaceSetting& setting : a.settings)
        if (!writeSetting(setting.name, setting.value)) throw error(Code::invalid, "there is no setting {}", setting.name);
    const int index = static_cast<int>(::if_nametoindex(a.endpoint.interface.c_str()));
    linux::NetlinkBatch batch;
    linux::setUp(batch, kLoopback);
    if (a.endpoint.ipv4) linux::addAddress(batch, index, *a.endpoint.ipv4);
    if (a.endpoint.ipv6) linux::addAddress(batch, index, *a.endpoint.ipv6);
    linux::setUp(batch, index);
    batch.run();
}

}  // namespace

void attach(const Attachment& a) {
    const UniqueFd sandbox = openFile(a.sandbox, O_RDONLY);
    createPairAfresh(a, sandbox.get());
    Defer undo([&] { detach(a.endpoint.hostLink()); });
    linux::inNetworkNamespace(sandbox.get(), [&a] { configureInside(a); });
    // The port first: the bridge has a carrier once one of its ports has.
    linux::settleCarrier(a.endpoint.hostLink());
    linux::settleCarrier(a.network.bridge);
    undo.dismiss();
}

void detach(const std::string& host_link) {
    linux::NetlinkBatch batch;
    linux::deleteLink(batch, host_link);
    try {
        batch.run();
    } catch (const Error& e) {
        if (e.sysErrno() != ENODEV) throw;
    }
}

void detachAll(const std::vector<std::string>& host_links) {
    if (host_links.size() == 1) return detach(host_links.front());
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

std::string freeInterfaceName(const std::string& sandbox, const std::string& prefix) {
    const UniqueFd fd = openFile(sandbox, O_RDONLY);
    std::string name;
    linux::inNetworkNamespace(fd.get(), [&] {
        for (int number = 0;; ++number) {
            name = prefix + std::to_string(number);
            if (::if_nametoindex(name.c_str()) == 0) return;
        }
    });
    return name;
}

std::vector<InterfaceSetting> readSettings(const std::string& option, const std::string& interface) {
    std::vector<InterfaceSetting> settings;
    for (std::size_t at = 0; at < option.size();) {
        const std::size_t end = std::min(option.find(',', at), option.size());
        const std::string one = option.substr(at, end - at);
        at = end + 1;
        const std::size_t equals = one.find('=');
        std::string name = one.substr(0, equals);
        std::replace(name.begin(), name.end(), '.', '/');
        const auto allowed = [&name](const char* start) { return name.starts_with(start) && name.find('/', std::string(start).size()) == std::string::npos; };
        const bool own = allowed("net/ipv4/conf/IFNAME/") || allowed("net/ipv6/conf/IFNAME/") || allowed("net/mpls/conf/IFNAME/") ||
                         allowed("net/ipv4/neigh/IFNAME/") || allowed("net/ipv6/neigh/IFNAME/");
        if (equals == std::string::npos || !own) throw error(Code::invalid, "unrecognised interface sysctl \"{}\"", one);
        name.replace(name.find("IFNAME"), 6, interface);
        settings.push_back({name.substr(4), one.substr(equals + 1)});
    }
    return settings;
}

}  // namespace davit::bridge
