// The beginning of a ParentLinkDriver: from the records of an earlier process to a working driver.
#include "base/check.hpp"
#include "davit/wire_network.hpp"
#include "host_link.hpp"
#include "linux/netlink/links.hpp"
#include "parent.hpp"
#include "parent_link_driver.hpp"
#include "sandbox_link.hpp"

namespace davit::parent_link {

ParentLinkDriver::ParentLinkDriver(const DriverContext& context, const Kind& kind)
    : context_(context),
      kind_(kind),
      state_(context.stateDirectory()),
      reaper_({.remove = detachAll, .log = [this](const std::string& text) { warn(text); }}) {
    DriverConfig(context).finish();
    if (!linux::supportsUpperLink(kind.name))
        throw error(Code::unimplemented, "not for this host: its kernel doesn't make {} links", kind.name);
    restore();
}

void ParentLinkDriver::restore() {
    const StateJournal::Records records = state_.records();
    if (records.empty()) return;
    const Lock changing(changing_);
    restoreNetworks(records);
    restoreEndpoints(records);
}

// A network whose parent isn't there now stays known: its endpoints may be deleted, and the next join looks again.
void ParentLinkDriver::restoreNetworks(const StateJournal::Records& records) {
    forEachRecord(records, "network/", [this](const std::string& name, const std::string& text) {
        try {
            const Network network = readNetwork(kind_, wire::decode<CreateNetwork>(text));
            networks_.put(network.id, {network, text});
            setUpHostLink(kind_, network, ensureParent(kind_, network));
        } catch (const Error& e) {
            warn(fmt::format("restore {}: {}", name, e.text()));
        }
    });
}

void ParentLinkDriver::restoreEndpoints(const StateJournal::Records& records) {
    forEachRecord(records, "endpoint/", [this](const std::string& name, const std::string& text) {
        try {
            const Endpoint known = endpointFromJson(text);
            if (known.joined() && !known.sandbox.empty() && !sandboxLives(known.sandbox)) return state_.erase(name);
            endpoints_.restore(known);
            const auto on = networks_.find(known.network_id);
            if (known.joined() && on) addHostRoutes(kind_, on->network, known);
        } catch (const Error& e) {
            warn(fmt::format("restore {}: {}", name, e.text()));
        }
    });
}

}  // namespace davit::parent_link
