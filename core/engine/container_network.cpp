#include "engine/container_network.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/check.hpp"
#include "base/id.hpp"
#include "base/log.hpp"
#include "engine/network_modes.hpp"
#include "oci/digest.hpp"

namespace davit::engine {
namespace {

std::optional<network::Network> findNetwork(const EngineCore& core, const std::string& ref) {
    try {
        return core.parts.networks.find(ref);
    } catch (const Error& failure) {
        if (failure.code() == Code::not_found) return std::nullopt;
        throw;
    }
}

std::string derivedId(const std::string& what, const std::string& container_id) {
    return std::string(oci::digestHex(oci::sha256(what + " of container " + container_id)));
}

/// "8080", "8000-8010" or nothing.
void readHostPorts(const std::string& text, network::PortBinding& binding) {
    if (text.empty()) return;
    const std::size_t dash = std::min(text.find('-'), text.size());
    const auto number = [&](std::string_view digits) {
        std::uint16_t port = 0;
        const auto [end, bad] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
        if (bad != std::errc() || end != digits.data() + digits.size()) throw error(Code::invalid, "invalid port specification: \"{}\"", text);
        return port;
    };
    binding.host_port = number(std::string_view(text).substr(0, dash));
    binding.host_port_end = dash == text.size() ? binding.host_port : number(std::string_view(text).substr(dash + 1));
    if (binding.host_port_end < binding.host_port) throw error(Code::invalid, "invalid port specification: \"{}\"", text);
}

std::pair<std::string, int> splitCidr(const std::string& cidr) {
    const std::size_t slash = cidr.find('/');
    if (slash == std::string::npos) return {cidr, 0};
    int length = 0;
    (void)std::from_chars(cidr.data() + slash + 1, cidr.data() + cidr.size(), length);
    return {cidr.substr(0, slash), length};
}

/// The names by which others on a user-defined network find the container.
std::vector<std::string> dnsNames(const Container& container, const network::EndpointConfig& config) {
    std::vector<std::string> names;
    const auto add = [&](const std::string& name) {
        if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    };
    add(container.name);
    for (const std::string& alias : config.aliases) add(alias);
    add(std::string(shortId(container.id)));
    add(container.config->hostname);
    return names;
}

void fill(EndpointSettings& shown, const network::Endpoint& endpoint) {
    shown.network_id = endpoint.network_id;
    shown.endpoint_id = endpoint.id;
    std::tie(shown.ip_address, shown.ip_prefix_len) = splitCidr(endpoint.address);
    std::tie(shown.global_ipv6_address, shown.global_ipv6_prefix_len) = splitCidr(endpoint.address_v6);
    shown.gateway = endpoint.gateway;
    shown.ipv6_gateway = endpoint.gateway_v6;
    shown.mac_address = endpoint.mac_address;
}

/// eth0 is on the mode's network, the others follow by name.
std::vector<network::EndpointRequest> endpointRequests(const Container& container, const std::string& first) {
    std::vector<network::EndpointRequest> requests;
    for (const auto& [name, endpoint] : container.network.networks)
        requests.push_back(endpointRequest(container, name, endpoint.config));
    std::stable_partition(requests.begin(), requests.end(), [&](const auto& one) { return one.network == first; });
    return requests;
}

}  // namespace

network::NameServers serversFor(const Container& container) {
    return nameServers(resolvConf(*container.host_config, readHostResolvConf(Resolving::embedded)));
}

network::EndpointRequest endpointRequest(const Container& container, const std::string& network,
                                         const network::EndpointConfig& config) {
    return {.network = network, .config = config, .dns_names = dnsNames(container, config)};
}

network::PortSettings portSettings(const runtime::ContainerConfig& config, const runtime::HostConfig& host) {
    network::PortSettings ports;
    std::set<network::Port> exposed;
    for (const std::string& text : config.exposed_ports) exposed.insert(network::Port::parse(text));
    for (const auto& [text, bindings] : host.port_bindings) {
        const network::Port port = network::Port::parse(text);
        exposed.insert(port);
        for (const runtime::PortBinding& one : bindings) {
            network::PortBinding binding{.port = port, .host_ip = one.host_ip};
            readHostPorts(one.host_port, binding);
            ports.bindings.push_back(std::move(binding));
        }
    }
    ports.exposed.assign(exposed.begin(), exposed.end());
    if (!host.publish_all_ports) return ports;
    for (const network::Port& port : ports.exposed) {
        const bool bound = std::any_of(ports.bindings.begin(), ports.bindings.end(), [&](const auto& one) { return one.port == port; });
        if (!bound) ports.bindings.push_back({.port = port, .host_ip = {}});
    }
    return ports;
}

NetworkSettings wantedNetwork(const EngineCore& core, const runtime::ContainerConfig& config, const runtime::HostConfig& host,
                              const std::map<std::string, network::EndpointConfig>& asked) {
    NetworkSettings settings;
    if (!containerOfMode(host.network_mode).empty()) return settings;
    const auto canonical = [&](const std::string& ref) {
        const std::string& name = isDefaultMode(ref) ? core.parts.networks.defaultNetwork() : ref;
        const std::optional<network::Network> network = findNetwork(core, name);
        return network ? network->config.name : name;
    };
    const std::string of_mode = canonical(host.network_mode);
    settings.networks[of_mode];
    for (const auto& [ref, endpoint] : asked) {
        const std::string name = canonical(ref);
        if (name != of_mode) (void)core.parts.networks.find(name);
        settings.networks[name].config = endpoint;
    }
    std::string& mac_address = settings.networks[of_mode].config.mac_address;
    if (mac_address.empty()) mac_address = config.mac_address;
    for (auto& [name, endpoint] : settings.networks) {
        const std::optional<network::Network> network = findNetwork(core, name);
        if (!network) continue;
        endpoint.network_id = network->id;
        network::checkEndpointConfig(*network, endpoint.config);
        if (!network->hasEndpoints() && settings.networks.size() > 1)
            throw Error(Code::invalid, network->host_namespace
                                           ? "container cannot be disconnected from host network or connected to host network"
                                           : "container cannot be connected to multiple networks with one of the networks in "
                                             "private (none) mode");
    }
    return settings;
}

NetworkSettings runningNetwork(const EngineCore& core, const Container& container, const network::Sandbox& sandbox) {
    NetworkSettings settings = container.network;
    settings.endRun();
    settings.sandbox_id = sandbox.id;
    settings.sandbox_key = sandbox.key;
    for (const network::Port& port : sandbox.ports.exposed) settings.ports[port.text()];
    for (const network::Endpoint& endpoint : sandbox.endpoints) {
        EndpointSettings& shown = settings.networks[endpoint.network_name];
        shown.config = endpoint.config;
        fill(shown, endpoint);
        const std::optional<network::Network> network = findNetwork(core, endpoint.network_id);
        if (network && !network->predefined) shown.dns_names = endpoint.dns_names;
        for (const network::PortBinding& port : endpoint.ports) settings.ports[port.port.text()].push_back(port);
    }
    return settings;
}

NetworkSettings bareNetwork(const EngineCore& core, const Container& container) {
    NetworkSettings settings = container.network;
    settings.endRun();
    for (const network::Port& port : portSettings(*container.config, *container.host_config).exposed) settings.ports[port.text()];
    for (auto& [name, endpoint] : settings.networks) {
        const std::optional<network::Network> network = findNetwork(core, name);
        if (network) endpoint.network_id = network->id;
        endpoint.endpoint_id = derivedId("endpoint " + name, container.id);
        settings.sandbox_id = derivedId("sandbox", container.id);
    }
    return settings;
}

Resolving openNetwork(EngineCore& core, Container& container) {
    try {
        const std::string mode = container.host_config->network_mode;
        const std::optional<network::Network> of_mode = findNetwork(core, mode);
        const std::string first = of_mode ? of_mode->config.name : mode;
        for (const auto& [name, endpoint] : container.network.networks) {
            const network::Network network = core.parts.networks.find(name);
            if (network.hasEndpoints()) continue;
            container.network = bareNetwork(core, container);
            return network.host_namespace ? Resolving::host : Resolving::direct;
        }
        const network::Sandbox sandbox =
            core.parts.networks.open({.container_id = container.id,
                                      .container_name = container.name,
                                      .endpoints = endpointRequests(container, first),
                                      .ports = portSettings(*container.config, *container.host_config),
                                      .name_servers = serversFor(container)});
        container.network = runningNetwork(core, container, sandbox);
        core.cleanup.post("prepare the next sandbox", [&core] { core.parts.networks.prepare(); });
        return sandbox.resolver ? Resolving::embedded : Resolving::direct;
    } catch (const Error& failure) {
        throw Error(failure.code(), "failed to set up container networking: " + failure.text(), failure.sysErrno());
    }
}

std::vector<network::Network> joinedNetworks(const EngineCore& core, const NetworkSettings& settings) {
    std::vector<network::Network> joined;
    for (const auto& [name, endpoint] : settings.networks) {
        if (endpoint.endpoint_id.empty()) continue;
        if (std::optional<network::Network> network = findNetwork(core, endpoint.network_id)) joined.push_back(std::move(*network));
    }
    return joined;
}

void renameOnNetworks(EngineCore& core, const EntryPtr& entry) {
    const Container container = entry->snapshot();
    std::map<std::string, std::vector<std::string>> names;
    for (const auto& [name, endpoint] : container.network.networks) names[endpoint.network_id] = dnsNames(container, endpoint.config);
    try {
        const std::optional<network::Sandbox> sandbox = core.parts.networks.rename(container.id, container.name, names);
        if (sandbox) entry->setNetwork(runningNetwork(core, container, *sandbox));
    } catch (const Error& failure) {  // the rename itself has been done
        log::warning("container {}: its name on its networks: {}", container.id, failure.text());
    }
}

void endNetwork(EngineCore& core, const std::string& container_id) {
    const std::optional<std::string> sandbox = core.parts.networks.retire(container_id);
    if (sandbox) core.cleanup.post("sandbox " + *sandbox, [&core, id = *sandbox] { core.parts.networks.sweep(id); });
}

void restoreNetwork(EngineCore& core, const EntryPtr& entry) {
    Container container = entry->snapshot();
    std::optional<network::Sandbox> sandbox = core.parts.networks.sandboxOf(container.id);
    if (!sandbox) return entry->setNetwork(bareNetwork(core, container));
    std::map<std::string, EndpointSettings>& wanted = container.network.networks;
    for (const network::Endpoint& endpoint : std::vector(sandbox->endpoints)) {
        const bool attached = endpoint.phase == network::Endpoint::Phase::attached;
        if (attached && wanted.contains(endpoint.network_name)) continue;
        log::info("container {}: its endpoint on network {} is removed", container.id, endpoint.network_name);
        sandbox = core.parts.networks.disconnect(container.id, endpoint.network_id);
    }
    const std::size_t dropped = std::erase_if(wanted, [&](const auto& item) {
        return std::none_of(sandbox->endpoints.begin(), sandbox->endpoints.end(),
                            [&](const network::Endpoint& endpoint) { return endpoint.network_name == item.first; });
    });
    if (dropped > 0) core.rows.saveConfig(container);
    entry->setNetwork(runningNetwork(core, container, *sandbox));
}

}  // namespace davit::engine
