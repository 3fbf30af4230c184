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
    checkConfigOnly(config);
    if (!config.enable_ipv4 && !config.enable_ipv6) throw Error(Code::invalid, "IPv4 or IPv6 must be enabled");
    checkIpamConfig(config);
}

void NetworkController::checkConfigOnly(const NetworkConfig& config) const {
    if (config.config_only && (config.internal || config.attachable))
        throw Error(Code::forbidden, "configuration network can only contain network specific fields. Network operator fields like "
                                     "[ ingress | internal | attachable | scope ] are not supported.");
    if (config.config_from.empty()) return;
    if (config.config_only) throw Error(Code::forbidden, "a configuration network cannot depend on another configuration network");
    if (!config.options.empty())
        throw Error(Code::forbidden, "network driver options are not supported if the network depends on a configuration network");
    const bool own = config.ipam.driver != options_.default_ipam_driver || !config.ipam.options.empty() || !config.ipam.pools.empty() ||
                     !config.labels.empty() || config.enable_ipv6 || !config.enable_ipv4;
    if (own)
        throw Error(Code::forbidden, "user specified configurations are not supported if the network depends on a configuration network");
}

/// Fills the configuration of a network that is made from another's.
void NetworkController::takeConfiguration(NetworkConfig& config) const {
    if (config.config_from.empty()) return;
    const Lock lock(mutex_);
    const auto source = std::find_if(networks_.begin(), networks_.end(), [&](const auto& item) {
        const NetworkConfig& other = item.second.network.config;
        return !item.second.busy && other.config_only && other.name == config.config_from;
    });
    if (source == networks_.end()) throw error(Code::not_found, "configuration network \"{}\" does not exist", config.config_from);
    const NetworkConfig& from = source->second.network.config;
    config.labels = from.labels;
    config.options = from.options;
    config.ipam = from.ipam;
    config.enable_ipv4 = from.enable_ipv4;
    config.enable_ipv6 = from.enable_ipv6;
}

void NetworkController::reserve(const Network& network) {
    const Lock lock(mutex_);
    for (const auto& [id, entry] : networks_)
        if (entry.network.config.name == network.config.name)
            throw error(Code::conflict, "network with name {} already exists", network.config.name);
    const std::string& source = network.config.config_from;
    const bool there = std::any_of(networks_.begin(), networks_.end(), [&](const auto& item) {
        return !item.second.busy && item.second.network.config.name == source;
    });
    if (!source.empty() && !there) throw error(Code::not_found, "configuration network \"{}\" does not exist", source);
    networks_[network.id] = {.network = network, .busy = true};
}

void NetworkController::forget(const std::string& id) {
    const Lock lock(mutex_);
    networks_.erase(id);
}

/// Whether another network is the driver's, too.
bool NetworkController::isDriverUsed(const Network& network) const {
    const Lock lock(mutex_);
    return std::any_of(networks_.begin(), networks_.end(), [&](const auto& item) {
        return item.first != network.id && item.second.network.config.driver == network.config.driver;
    });
}

/// What of a network is outside of this process: pools and the driver's network. Its row exists.
void NetworkController::make(Network& network) {
    if (network.config.config_only) return;
    const std::shared_ptr<NetworkDriver> driver = driverOf(network);
    const NetworkCapabilities can = driver->capabilities();
    network.host_namespace = can.host_namespace;
    network.no_interface = can.no_interface;
    if (can.singleton && !network.predefined && isDriverUsed(network))
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
    if (network.config.config_only) return;
    driverOf(network)->deleteNetwork(network.id);
    DAVIT_FAILPOINT("network.driver_deleted");
    addresses_.releasePools(network);
}

Network NetworkController::create(NetworkConfig config) {
    if (config.driver.empty()) config.driver = options_.default_driver;
    if (config.ipam.driver.empty()) config.ipam.driver = options_.default_ipam_driver;
    checkCreate(config);
    takeConfiguration(config);
    if (const auto preset = options_.default_options.find(config.driver); preset != options_.default_options.end() && !config.config_only)
        config.options.insert(preset->second.begin(), preset->second.end());
    Network network{.id = randomId(), .created = now(), .config = std::move(config), .pools = {}};
    reserve(network);
    Defer free_name([&] { forget(network.id); });
    if (!network.config.config_only) (void)driverOf(network);  // a driver that isn't there leaves no row
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
        const bool is_source = network.config.config_only && std::any_of(networks_.begin(), networks_.end(), [&](const auto& item) {
            return item.second.network.config.config_from == network.config.name;
        });
        if (is_source)
            throw error(Code::forbidden, "error while removing network: configuration network \"{}\" is in use", network.config.name);
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
