#include "engine/network_service.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "base/defer.hpp"
#include "base/log.hpp"
#include "engine/announce.hpp"
#include "engine/container_network.hpp"
#include "engine/etc_files.hpp"
#include "engine/network_modes.hpp"
#include "engine/time_filter.hpp"

namespace davit::engine {
namespace {

std::string cidr(const std::string& address, int length) {
    return address.empty() ? std::string() : fmt::format("{}/{}", address, length);
}

bool isOnHost(const EngineCore& core, const Container& container) {
    const auto all = core.parts.networks.list();
    return std::any_of(all.begin(), all.end(), [&](const network::Network& one) {
        return one.host_namespace && container.network.networks.contains(one.config.name);
    });
}

[[noreturn]] void refuseHost() {
    throw Error(Code::invalid, "container cannot be disconnected from host network or connected to host network");
}

/// Containers that have no network namespace of their own can't be put on networks, nor others on the host's.
void checkConnect(const EngineCore& core, const network::Network& network, const Container& container) {
    if (!containerOfMode(container.host_config->network_mode).empty() || isOnHost(core, container))
        throw Error(Code::invalid, "container sharing network namespace with another container or host cannot be connected to "
                                   "any other network");
    if (network.host_namespace) refuseHost();
}

void checkNoInterface(const EngineCore& core, const network::Network& network, const Container& container) {
    const auto all = core.parts.networks.list();
    const bool mixes = std::any_of(all.begin(), all.end(), [&](const network::Network& one) {
        if (one.id == network.id || !container.network.networks.contains(one.config.name)) return false;
        return one.no_interface || network.no_interface;
    });
    if (mixes)
        throw Error(Code::invalid, "container cannot be connected to multiple networks with one of the networks in private "
                                   "(none) mode");
}

/// Makes the container's files say what its networks are now.
void show(EngineCore& core, const EntryPtr& entry, Container container, const network::Sandbox& sandbox, const Entry::Tell& tell) {
    container.network = runningNetwork(core, container, sandbox);
    entry->setNetwork(container.network, tell);
    try {
        writeHosts(core.runDir(container.id), container, hostsExtras(core, container));
        if (sandbox.resolver) updateResolvConf(core.runDir(container.id), container);
    } catch (const Error& failure) {  // the container may have ended meanwhile
        log::warning("container {}: its files below /etc: {}", container.id, failure.text());
    }
}

}  // namespace

std::vector<network::Network> NetworkService::list(const Filters& filters) const {
    filters.allowOnly({"dangling", "driver", "id", "label", "name", "scope", "type", "internal", "idOrName"});
    for (const std::string& type : filters.values("type"))
        if (type != "custom" && type != "builtin") throw error(Code::invalid, "invalid filter: 'type'='{}'", type);
    std::vector<network::Network> networks = core_.parts.networks.list();
    std::erase_if(networks, [&](const network::Network& network) {
        const network::NetworkConfig& config = network.config;
        if (!filters.matchExact("driver", config.config_only ? "null" : config.driver) || !filters.matchFuzzyId(network.id)) return true;
        if (!filters.matchFuzzy("name", config.name) || !filters.matchLabels("label", config.labels)) return true;
        if (!filters.matchExact("scope", "local") || !filters.matchExact("type", network.predefined ? "builtin" : "custom")) return true;
        if (!filters.has("dangling")) return false;
        const bool dangling = !network.predefined && members(network.id).empty();
        return dangling != filters.boolean("dangling", false);
    });
    return networks;
}

network::Network NetworkService::inspect(const std::string& ref) const { return core_.parts.networks.find(ref); }

std::vector<NetworkMember> NetworkService::members(const std::string& network_id) const {
    std::vector<NetworkMember> found;
    for (const EntryPtr& entry : core_.table.all()) {
        const Container container = entry->snapshot();
        if (!container.state.running()) continue;
        for (const auto& [name, endpoint] : container.network.networks)
            if (endpoint.network_id == network_id && !endpoint.endpoint_id.empty())
                found.push_back({.container_id = container.id,
                                 .name = container.name,
                                 .endpoint_id = endpoint.endpoint_id,
                                 .mac_address = endpoint.mac_address,
                                 .ipv4_address = cidr(endpoint.ip_address, endpoint.ip_prefix_len),
                                 .ipv6_address = cidr(endpoint.global_ipv6_address, endpoint.global_ipv6_prefix_len)});
    }
    return found;
}

network::Network NetworkService::create(network::NetworkConfig config) {
    network::Network network = core_.parts.networks.create(std::move(config));
    announce(core_.event_log, network, "create");
    return network;
}

void NetworkService::remove(const std::string& ref) {
    const network::Network network = core_.parts.networks.find(ref);
    core_.parts.networks.remove(network.id);
    announce(core_.event_log, network, "destroy");
}

std::vector<std::string> NetworkService::prune(const Filters& filters) {
    filters.allowOnly({"label", "label!", "until"});
    const std::optional<SystemTime> until = untilFilter(filters);
    std::vector<std::string> removed;
    for (const network::Network& network : core_.parts.networks.list()) {
        if (network.predefined || network.config.config_only || core_.parts.networks.inUse(network.id)) continue;
        if (until && network.created > *until) continue;
        if (!filters.matchLabels("label", network.config.labels)) continue;
        if (filters.has("label!") && filters.matchLabels("label!", network.config.labels)) continue;
        try {
            remove(network.id);
            removed.push_back(network.config.name);
        } catch (const Error& failure) {  // as Docker: the others are pruned nevertheless
            log::warning("could not remove network {}: {}", network.config.name, failure.text());
        }
    }
    announcePrune(core_.event_log, EventType::network, 0);
    return removed;
}

/// One that was on no network, or on one without interfaces, has a namespace but no sandbox yet.
network::Sandbox NetworkService::connectRunning(const Container& container, const network::EndpointRequest& request) {
    if (core_.parts.networks.sandboxOf(container.id)) return core_.parts.networks.connect(container.id, request);
    return core_.parts.networks.open({.container_id = container.id,
                                      .container_name = container.name,
                                      .endpoints = {request},
                                      .ports = portSettings(*container.config, *container.host_config),
                                      .namespace_path = fmt::format("/proc/{}/ns/net", container.state.pid),
                                      .name_servers = serversFor(container)});
}

void NetworkService::connect(const std::string& ref, const std::string& container_ref, const network::EndpointConfig& config) {
    const network::Network network = core_.parts.networks.find(ref);
    const EntryPtr entry = core_.table.resolve(container_ref);
    const Operation operation = entry->begin();
    const Container before = entry->snapshot();
    if (before.state.dead() || before.state.status == Status::removing)
        throw error(Code::conflict, "Container {} is marked for removal and cannot be connected or disconnected to the network", before.id);
    checkConnect(core_, network, before);
    checkNoInterface(core_, network, before);
    network::checkEndpointConfig(network, config);
    Container after = before;
    after.network.networks[network.config.name] = {.config = config, .network_id = network.id};
    if (before.state.running() && before.network.networks.contains(network.config.name))
        throw error(Code::forbidden, "endpoint with name {} already exists in network {}", before.name, network.config.name);
    core_.rows.saveConfig(after);
    if (!before.state.running() || !network.hasEndpoints()) return entry->setNetwork(std::move(after.network));
    Defer undo([&] { core_.rows.saveConfig(before); });
    const network::Sandbox sandbox = connectRunning(before, endpointRequest(after, network.id, config));
    undo.dismiss();
    show(core_, entry, after, sandbox,
         [&](const Container& shown) { announce(core_.event_log, network, "connect", shown.id); });
}

void NetworkService::disconnect(const std::string& ref, const std::string& container_ref, bool force) {
    const network::Network network = core_.parts.networks.find(ref);
    EntryPtr entry;
    try {
        entry = core_.table.resolve(container_ref);
    } catch (const Error& failure) {
        if (!force || failure.code() != Code::not_found) throw;
        return core_.parts.networks.removeRemains(container_ref, network.id);
    }
    const Operation operation = entry->begin();
    const Container before = entry->snapshot();
    if (network.host_namespace) refuseHost();
    Container after = before;
    if (after.network.networks.erase(network.config.name) == 0)
        throw error(Code::forbidden, "container {} is not connected to {}network {}", before.id, before.state.running() ? "" : "the ",
                    network.config.name);
    core_.rows.saveConfig(after);
    // As in dockerd, of a container that doesn't run too, although a connect of such a one isn't told of.
    const auto tell = [&](const Container& shown) { announce(core_.event_log, network, "disconnect", shown.id); };
    if (!before.state.running() || !network.hasEndpoints()) return entry->setNetwork(std::move(after.network), tell);
    const network::Sandbox sandbox = core_.parts.networks.disconnect(before.id, network.id);
    show(core_, entry, after, sandbox, tell);
}

void NetworkService::update(const std::string& ref, const std::string& container_ref, const std::map<std::string, std::string>& driver_opts) {
    const network::Network network = core_.parts.networks.find(ref);
    const EntryPtr entry = core_.table.resolve(container_ref);
    const Operation operation = entry->begin();
    const Container before = entry->snapshot();
    Container after = before;
    const auto endpoint = after.network.networks.find(network.config.name);
    if (endpoint == after.network.networks.end())
        throw error(Code::forbidden, "container {} is not connected to network {}", before.id, network.config.name);
    network::changeOptions(endpoint->second.config.driver_opts, driver_opts);
    core_.rows.saveConfig(after);
    if (!before.state.running() || !network.hasEndpoints()) return entry->setNetwork(std::move(after.network));
    Defer undo([&] { core_.rows.saveConfig(before); });
    const network::Sandbox sandbox = core_.parts.networks.update(before.id, network.id, driver_opts);
    undo.dismiss();
    entry->setNetwork(runningNetwork(core_, after, sandbox));
}

}  // namespace davit::engine
