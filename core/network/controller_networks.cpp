#include <algorithm>

#include "base/check.hpp"
#include "base/defer.hpp"
#include "base/failpoint.hpp"
#include "base/id.hpp"
#include "network/alone.hpp"
#include "network/controller.hpp"
#include "network/driver_options.hpp"

namespace davit::network {
namespace {

/// Names that mean something in HostConfig.NetworkMode, whether or not there is such a network.
constexpr std::string_view kReserved[] = {"bridge", "host", "none", "default"};

}  // namespace

void NetworkController::checkCreate(const NetworkConfig& config) const {
    if (config.name.find_first_not_of(" \t\n") == std::string::npos) throw Error(Code::invalid, "invalid name: name is empty");
    const bool reserved = std::find(std::begin(kReserved), std::end(kReserved), config.name) != std::end(kReserved);
    if (reserved || config.name.starts_with("container:"))
        throw error(Code::forbidden, "operation is not permitted on predefined {} network", config.name);
    if (!config.enable_ipv4 && !config.enable_ipv6) throw Error(Code::invalid, "IPv4 or IPv6 must be enabled");
    checkIpamConfig(config);
}

void NetworkController::reserve(const Network& network) {
    const Lock lock(mutex_);
    for (const auto& [id, entry] : networks_)
        if (entry.network.config.name == network.config.name)
            throw error(Code::conflict, "network with name {} already exists", network.config.name);
    networks_[network.id] = {.network = network, .busy = true};
}

void NetworkController::forget(const std::string& id) {
    const Lock lock(mutex_);
    networks_.erase(id);
}

/// What of a network is outside of this process: pools and the driver's network. Its row exists.
void NetworkController::make(Network& network) {
    const std::shared_ptr<NetworkDriver> driver = driverOf(network);
    const NetworkCapabilities can = driver->capabilities();
    network.host_namespace = can.host_namespace;
    network.no_interface = can.no_interface;
    if (can.singleton && !network.predefined)
        throw error(Code::forbidden, "only one instance of \"{}\" network is allowed", network.config.driver);
    if (network.hasEndpoints()) {
        GatewayAllocation skip;
        if (can.gateway_alloc_check) skip = driver->gatewayAllocCheck(networkOptions(network));
        addresses_.assignPools(network, skip);
    }
    Defer release([&] { addresses_.releasePools(network); });
    rows_.save(network, NetworkState::creating);
    DAVIT_FAILPOINT("network.pools_assigned");
    driver->createNetwork(createRequest(network));
    release.dismiss();
    DAVIT_FAILPOINT("network.driver_created");
}

void NetworkController::unmake(const Network& network) {
    driverOf(network)->deleteNetwork(network.id);
    DAVIT_FAILPOINT("network.driver_deleted");
    addresses_.releasePools(network);
}

Network NetworkController::create(NetworkConfig config) {
    if (config.driver.empty()) config.driver = options_.default_driver;
    if (config.ipam.driver.empty()) config.ipam.driver = options_.default_ipam_driver;
    if (const auto preset = options_.default_options.find(config.driver); preset != options_.default_options.end())
        config.options.insert(preset->second.begin(), preset->second.end());
    checkCreate(config);
    Network network{.id = randomId(), .created = now(), .config = std::move(config), .pools = {}};
    reserve(network);
    Defer free_name([&] { forget(network.id); });
    (void)driverOf(network);  // a driver that isn't there leaves no row
    rows_.intendCreate(network);
    Defer no_row([&] { rows_.remove(network.id, state::Durability::relaxed); });
    DAVIT_FAILPOINT("network.create_intent");
    make(network);
    Defer undo([&] { unmake(network); });
    rows_.save(network, NetworkState::ready);
    DAVIT_FAILPOINT("network.create_commit");
    undo.dismiss();
    no_row.dismiss();
    free_name.dismiss();
    const Lock lock(mutex_);
    networks_[network.id] = {.network = network};
    return network;
}

/// The endpoints of running containers on a network, as Docker's refusal names them.
std::string NetworkController::endpointsText(const std::string& id) const {
    std::string text;
    for (const auto& [container, sandbox_id] : by_container_)
        for (const Endpoint& endpoint : sandboxes_.at(sandbox_id).sandbox.endpoints)
            if (endpoint.network_id == id)
                text += fmt::format("{}name:\"{}\" id:\"{}\"", text.empty() ? "" : ", ",
                                    sandboxes_.at(sandbox_id).sandbox.container_name, shortId(endpoint.id));
    return text;
}

void NetworkController::remove(const std::string& ref) {
    Network network;
    {
        const Lock lock(mutex_);
        const auto found = findEntry(ref);
        network = found->second.network;
        if (network.predefined)
            throw error(Code::forbidden, "{} is a pre-defined network and cannot be removed", network.config.name);
        const std::string endpoints = endpointsText(network.id);
        if (!endpoints.empty() || found->second.users > 0)
            throw error(Code::forbidden, "error while removing network: network {} has active endpoints ({})",
                        network.config.name, endpoints);
        networks_.at(network.id).busy = true;
    }
    Defer unbusy([&] {
        const Lock lock(mutex_);
        networks_.at(network.id).busy = false;
    });
    erase(network);
    unbusy.dismiss();
    forget(network.id);
}

/// All of a network but what memory says.
void NetworkController::erase(const Network& network) {
    alone("network " + network.config.name, [&] { restate(network.id); });  // what drivers don't know they don't remove
    (void)sweepRetired(network.id);
    rows_.setState(network.id, NetworkState::removing);
    DAVIT_FAILPOINT("network.remove_intent");
    Defer ready([&] { rows_.setState(network.id, NetworkState::ready); });
    unmake(network);
    rows_.remove(network.id, state::Durability::synced);
    DAVIT_FAILPOINT("network.remove_commit");
    ready.dismiss();
}

}  // namespace davit::network
