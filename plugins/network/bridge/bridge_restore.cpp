// The beginning of a BridgeDriver: from the records of an earlier process to a working driver.
#include <net/if.h>

#include <set>

#include "base/check.hpp"
#include "base/json.hpp"
#include "bridge_driver.hpp"
#include "bridge_link.hpp"
#include "davit/wire_network.hpp"
#include "endpoint_link.hpp"
#include "forwarding.hpp"
#include "linux/netlink/links.hpp"

namespace davit::bridge {
namespace {

constexpr std::string_view kAlias = "davit endpoint ";

}  // namespace

BridgeDriver::BridgeDriver(const DriverContext& context)
    : context_(context),
      state_(context.stateDirectory()),
      host_ports_(context.stateDirectory(), [this](const std::string& text) { warn(text); }),
      reaper_({.remove = detachAll, .together = true, .log = [this](const std::string& text) { warn(text); }}),
      watch_({.rules_changed = [this] { firewall_.rebuild(); },
              .others_changed = [this] { meetOthers(); },
              .bridges_gone = [this] {
                  const Lock changing(changing_);
                  mendBridges();
              },
              .keeper = [this] { return host_ports_.keeper(); },
              .tend = [this] { host_ports_.tend(); },
              .log = [this](const std::string& text) { warn(text); }}) {
    DriverConfig config(context);
    ip_forward_ = config.boolean("ip-forward", true);
    drop_foreign_ = !config.boolean("ip-forward-no-drop", false);
    config.finish();
    const Lock changing(changing_);
    const StateJournal::Records records = state_.records();
    host_ports_.beginRestore();
    restoreNetworks(records);
    restoreEndpoints(records);
    host_ports_.endRestore();
    if (records.empty()) return;
    watch_.begin();
    mendBridges();
    restoreFirewall(records);
    watch_.lookAgain();
}

// A network whose bridge can't be made now stays known: its endpoints may be deleted, and the next start tries again.
void BridgeDriver::restoreNetworks(const StateJournal::Records& records) {
    forEachRecord(records, "network/", [this](const std::string& name, const std::string& text) {
        try {
            const json::Document document = json::Document::parse(text);
            const std::string request = document.root()["Request"].text();
            KnownNetwork known{.network = readNetwork(wire::decode<CreateNetwork>(request)),
                               .request = request,
                               .adopted = document.root()["Adopted"].boolean()};
            networks_.put(known.network.id, known);
            (void)setUpBridge(known.network);
        } catch (const Error& e) {
            warn(fmt::format("restore {}: {}", name, e.text()));
        }
    });
}

// The links tell which sandboxes live; links of endpoints that nobody knows are left-overs of a disconnection.
void BridgeDriver::restoreEndpoints(const StateJournal::Records& records) {
    std::map<std::string, linux::Link> linked;
    for (const linux::Link& link : linux::allLinks())
        if (link.alias.starts_with(kAlias)) linked.emplace(link.alias.substr(kAlias.size()), link);
    forEachRecord(records, "endpoint/", [&](const std::string& name, const std::string& text) {
        const Endpoint known = endpointFromJson(text);
        if (!known.interface.empty() && linked.erase(known.id) == 0) {
            state_.erase(name);
            return;
        }
        host_ports_.take(known.id, known.ports);
        endpoints_.restore(known);
    });
    removeStrays(linked);
}

void BridgeDriver::mendBridges() {
    std::map<std::string, linux::Link> links;
    for (linux::Link& link : linux::allLinks()) links[link.name] = std::move(link);
    std::multimap<std::string, Endpoint> joined;  // by network
    for (const Endpoint& endpoint : endpoints_.all())
        if (!endpoint.interface.empty()) joined.emplace(endpoint.network_id, endpoint);
    for (const KnownNetwork& known : networks_.all()) {
        const Network& network = known.network;
        try {
            const auto present = links.find(network.bridge);
            const int bridge = present != links.end() ? present->second.index : setUpBridge(network).index;
            for (auto [at, end] = joined.equal_range(network.id); at != end; ++at) {
                const auto link = links.find(at->second.hostLink());
                if (link == links.end() || link->second.master == bridge) continue;
                makePort(network, at->second, bridge);
                letLoopbackThrough(network, at->second.ports);
            }
        } catch (const Error& e) {
            warn(fmt::format("make the bridge of network {} again: {}", network.id, e.text()));
        }
    }
}

void BridgeDriver::removeStrays(const std::map<std::string, linux::Link>& links) {
    std::set<int> own;
    for (const KnownNetwork& known : networks_.all())
        if (!known.adopted) own.insert(static_cast<int>(::if_nametoindex(known.network.bridge.c_str())));
    for (const auto& [id, link] : links)
        if (link.master == 0 || own.contains(link.master)) reaper_.remove(link.name);
}

void BridgeDriver::restoreFirewall(const StateJournal::Records& records) {
    const auto switched = [&records, boot = json::quote(bootId())](const char* name) {
        const auto found = records.find(name);
        return found != records.end() && found->second == boot;
    };
    FirewallModel model;
    model.drop_foreign_ipv4 = drop_foreign_ && switched("forwarding/ipv4");
    model.drop_foreign_ipv6 = drop_foreign_ && switched("forwarding/ipv6");
    const std::vector<KnownNetwork> networks = networks_.all();
    for (const KnownNetwork& known : networks) model.networks[known.network.id] = known.network;
    for (const Endpoint& endpoint : endpoints_.all())
        if (!endpoint.ports.empty()) model.publications[endpoint.id] = {endpoint.network_id, endpoint.ports};
    try {
        firewall_.restore(std::move(model));
        for (const KnownNetwork& known : networks) ensureForwarding(known.network);
        meetOthers();
    } catch (const Error& e) {
        warn(fmt::format("restore the packet filter: {}", e.text()));
    }
}

}  // namespace davit::bridge
