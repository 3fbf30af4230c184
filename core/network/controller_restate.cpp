// What drivers forget at a restart they are told again: IPAM drivers everything, others what went with a lost or damaged state of
// their own.
#include <algorithm>

#include "base/defer.hpp"
#include "network/alone.hpp"
#include "network/controller.hpp"
#include "network/driver_options.hpp"

namespace davit::network {

bool NetworkController::hasOwn(DriverKind kind, const std::string& name) {
    const std::vector<std::string> own = drivers_.ownDrivers(kind);
    return std::find(own.begin(), own.end(), name) != own.end();
}

std::vector<std::pair<Sandbox, Endpoint>> NetworkController::endpointsOn(const std::string& id) const {
    const Lock lock(mutex_);
    std::vector<std::pair<Sandbox, Endpoint>> found;
    for (const auto& [sandbox_id, entry] : sandboxes_)
        for (const Endpoint& endpoint : entry.sandbox.endpoints)
            if (endpoint.network_id == id) found.emplace_back(entry.sandbox, endpoint);
    return found;
}

void NetworkController::restatePools(const Network& network) {
    if (!addresses_.needsReplay(network)) return;
    addresses_.replayPools(network);
    for (const auto& [sandbox, endpoint] : endpointsOn(network.id))
        alone("endpoint " + endpoint.id, [&, &endpoint = endpoint] { addresses_.replay(network, endpoint); });
}

/// The mere look-up opens one of this daemon's: it makes its kernel objects again and takes its host ports before anybody else can.
void NetworkController::restateDriver(const Network& network) {
    const std::shared_ptr<NetworkDriver> driver = driverOf(network);
    if (!driver->capabilities().repeatable) return;
    driver->createNetwork(createRequest(network));
    for (const auto& [sandbox, endpoint] : endpointsOn(network.id)) {
        if (sandbox.ending || endpoint.phase != Endpoint::Phase::attached) continue;
        alone("endpoint " + endpoint.id, [&, &sandbox = sandbox, &endpoint = endpoint] {
            (void)driver->createEndpoint({.network_id = network.id,
                                          .endpoint_id = endpoint.id,
                                          .options = endpointOptions(sandbox.ports, endpoint),
                                          .interface = {.address = endpoint.address,
                                                        .address_ipv6 = endpoint.address_v6,
                                                        .mac_address = endpoint.mac_address}});
            // As they are published, not as they were wanted: a port that was chosen stays.
            const PortSettings published{.exposed = sandbox.ports.exposed, .bindings = endpoint.ports};
            if (endpoint.external) driver->programExternalConnectivity(network.id, endpoint.id, portOptions(published));
        });
    }
}

bool NetworkController::beginRestating(const std::string& id) {
    const Lock lock(mutex_);
    while (true) {
        const auto found = networks_.find(id);
        if (found == networks_.end() || (!found->second.pools_forgotten && !found->second.forgotten)) return false;
        if (!found->second.restating) return found->second.restating = true;
        changed_.wait(mutex_);
    }
}

void NetworkController::restate(const std::string& id) {
    if (!beginRestating(id)) return;
    const auto mark = [&](auto change) {
        const Lock lock(mutex_);
        if (const auto found = networks_.find(id); found != networks_.end()) change(found->second);
    };
    const Defer done([&] {
        mark([](NetworkEntry& entry) { entry.restating = false; });
        changed_.notify_all();
    });
    NetworkEntry entry;
    mark([&](const NetworkEntry& one) { entry = one; });
    if (entry.pools_forgotten) restatePools(entry.network);
    mark([](NetworkEntry& one) { one.pools_forgotten = false; });
    if (entry.forgotten) restateDriver(entry.network);
    mark([](NetworkEntry& one) { one.forgotten = false; });
}

void NetworkController::restateOwn() {
    for (const Network& network : list())
        if (hasOwn(DriverKind::network, network.config.driver) && hasOwn(DriverKind::ipam, network.config.ipam.driver))
            alone("network " + network.config.name, [&] { restate(network.id); });
}

}  // namespace davit::network
