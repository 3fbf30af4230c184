#include "network/network_json.hpp"

#include "base/check.hpp"
#include "network/network_rows.hpp"

namespace davit::network {
namespace {

constexpr std::pair<Endpoint::Phase, std::string_view> kPhases[] = {{Endpoint::Phase::creating, "creating"},
                                                                   {Endpoint::Phase::attached, "attached"},
                                                                   {Endpoint::Phase::removing, "removing"}};

std::string_view phaseName(Endpoint::Phase phase) {
    for (const auto& [value, name] : kPhases)
        if (value == phase) return name;
    return "creating";
}

Endpoint::Phase parsePhase(std::string_view text) {
    for (const auto& [value, name] : kPhases)
        if (name == text) return value;
    throw error(Code::invalid, "unknown phase '{}'", text);
}

void write(json::Writer& out, const IpamPool& pool) {
    out.member("Subnet", pool.subnet).member("IPRange", pool.ip_range).member("Gateway", pool.gateway);
    out.member("AuxiliaryAddresses", pool.aux_addresses);
}

IpamPool readPool(const json::Value& value) {
    return {.subnet = value["Subnet"].string(),
            .ip_range = value["IPRange"].string(),
            .gateway = value["Gateway"].string(),
            .aux_addresses = value["AuxiliaryAddresses"].stringMap()};
}

void write(json::Writer& out, const PortBinding& binding) {
    out.object([&] {
        out.member("Port", binding.port.text()).member("HostIP", binding.host_ip);
        out.member("HostPort", binding.host_port).member("HostPortEnd", binding.host_port_end);
    });
}

PortBinding readBinding(const json::Value& value) {
    return {.port = Port::parse(value["Port"].stringView()),
            .host_ip = value["HostIP"].string(),
            .host_port = static_cast<std::uint16_t>(value["HostPort"].integer()),
            .host_port_end = static_cast<std::uint16_t>(value["HostPortEnd"].integer())};
}

void write(json::Writer& out, const Endpoint& endpoint) {
    out.object([&] {
        out.member("ID", endpoint.id).member("NetworkID", endpoint.network_id).member("Network", endpoint.network_name);
        out.key("Config");
        write(out, endpoint.config);
        out.member("Phase", phaseName(endpoint.phase)).member("Interface", endpoint.interface_name);
        out.member("HostLink", endpoint.host_link);
        out.member("Address", endpoint.address).member("PoolID", endpoint.pool_id);
        out.member("AddressIPv6", endpoint.address_v6).member("PoolIDv6", endpoint.pool_id_v6);
        out.member("MacAddress", endpoint.mac_address);
        out.member("Gateway", endpoint.gateway).member("GatewayIPv6", endpoint.gateway_v6);
        out.member("DNSNames", endpoint.dns_names);
        out.array("Routes", [&] {
            for (const StaticRoute& route : endpoint.routes)
                out.object([&] {
                    out.member("Destination", route.destination).member("Type", route.route_type).member("NextHop", route.next_hop);
                });
        });
        out.member("External", endpoint.external);
        out.array("Ports", [&] {
            for (const PortBinding& port : endpoint.ports) write(out, port);
        });
    });
}

Endpoint readEndpoint(const json::Value& value) {
    Endpoint endpoint;
    endpoint.id = value["ID"].string();
    endpoint.network_id = value["NetworkID"].string();
    endpoint.network_name = value["Network"].string();
    endpoint.config = readEndpointConfig(value["Config"]);
    endpoint.phase = parsePhase(value["Phase"].stringView());
    endpoint.interface_name = value["Interface"].string();
    endpoint.host_link = value["HostLink"].string();
    endpoint.address = value["Address"].string();
    endpoint.pool_id = value["PoolID"].string();
    endpoint.address_v6 = value["AddressIPv6"].string();
    endpoint.pool_id_v6 = value["PoolIDv6"].string();
    endpoint.mac_address = value["MacAddress"].string();
    endpoint.gateway = value["Gateway"].string();
    endpoint.gateway_v6 = value["GatewayIPv6"].string();
    endpoint.dns_names = value["DNSNames"].strings();
    for (const json::Value route : value["Routes"].array())
        endpoint.routes.push_back(
            {route["Destination"].string(), static_cast<int>(route["Type"].integer()), route["NextHop"].string()});
    endpoint.external = value["External"].boolean();
    for (const json::Value port : value["Ports"].array()) endpoint.ports.push_back(readBinding(port));
    return endpoint;
}

void writeConfig(json::Writer& out, const NetworkConfig& config) {
    out.object("Config", [&] {
        out.member("Driver", config.driver).member("Labels", config.labels).member("Options", config.options);
        out.member("Internal", config.internal).member("Attachable", config.attachable);
        out.member("EnableIPv4", config.enable_ipv4).member("EnableIPv6", config.enable_ipv6);
        out.member("ConfigOnly", config.config_only).member("ConfigFrom", config.config_from);
        out.member("IPAMDriver", config.ipam.driver).member("IPAMOptions", config.ipam.options);
        out.array("IPAM", [&] {
            for (const IpamPool& pool : config.ipam.pools) out.object([&] { write(out, pool); });
        });
    });
}

NetworkConfig readConfig(const json::Value& value) {
    NetworkConfig config;
    config.driver = value["Driver"].string();
    config.labels = value["Labels"].stringMap();
    config.options = value["Options"].stringMap();
    config.internal = value["Internal"].boolean();
    config.attachable = value["Attachable"].boolean();
    config.enable_ipv4 = value["EnableIPv4"].boolean();
    config.enable_ipv6 = value["EnableIPv6"].boolean();
    config.config_only = value["ConfigOnly"].boolean();
    config.config_from = value["ConfigFrom"].string();
    config.ipam.driver = value["IPAMDriver"].string();
    config.ipam.options = value["IPAMOptions"].stringMap();
    for (const json::Value pool : value["IPAM"].array()) config.ipam.pools.push_back(readPool(pool));
    return config;
}

}  // namespace

void write(json::Writer& out, const EndpointConfig& config) {
    out.object([&] {
        out.member("IPv4Address", config.ipv4_address).member("IPv6Address", config.ipv6_address);
        out.member("LinkLocalIPs", config.link_local_addresses).member("MacAddress", config.mac_address);
        out.member("Links", config.links).member("Aliases", config.aliases).member("DriverOpts", config.driver_opts);
        out.member("GwPriority", config.gateway_priority);
    });
}

EndpointConfig readEndpointConfig(const json::Value& value) {
    return {.ipv4_address = value["IPv4Address"].string(),
            .ipv6_address = value["IPv6Address"].string(),
            .link_local_addresses = value["LinkLocalIPs"].strings(),
            .mac_address = value["MacAddress"].string(),
            .links = value["Links"].strings(),
            .aliases = value["Aliases"].strings(),
            .driver_opts = value["DriverOpts"].stringMap(),
            .gateway_priority = static_cast<int>(value["GwPriority"].integer())};
}

std::string encodeNetwork(const Network& network) {
    json::Writer out;
    out.object([&] {
        out.member("Created", formatRfc3339(network.created)).member("Predefined", network.predefined);
        out.member("HostNamespace", network.host_namespace).member("NoInterface", network.no_interface);
        writeConfig(out, network.config);
        out.array("Pools", [&] {
            for (const AssignedPool& one : network.pools)
                out.object([&] {
                    out.member("V6", one.family == IpFamily::v6).member("ID", one.id).member("Space", one.address_space);
                    write(out, one.pool);
                });
        });
    });
    return out.take();
}

void decodeNetwork(std::string_view text, Network& network) {
    const json::Document document = json::Document::parse(text);
    const json::Value root = document.root();
    const std::optional<SystemTime> created = parseRfc3339(root["Created"].stringView());
    if (!created) throw Error(Code::invalid, "the row has no time of creation");
    network.created = *created;
    network.predefined = root["Predefined"].boolean();
    network.host_namespace = root["HostNamespace"].boolean();
    network.no_interface = root["NoInterface"].boolean();
    std::string name = std::move(network.config.name);
    network.config = readConfig(root["Config"]);
    network.config.name = std::move(name);
    for (const json::Value one : root["Pools"].array())
        network.pools.push_back({.family = one["V6"].boolean() ? IpFamily::v6 : IpFamily::v4,
                                 .id = one["ID"].string(),
                                 .address_space = one["Space"].string(),
                                 .pool = readPool(one)});
}

std::string encodeSandbox(const Sandbox& sandbox) {
    json::Writer out;
    out.object([&] {
        out.member("Container", sandbox.container_id).member("Name", sandbox.container_name).member("Key", sandbox.key);
        out.member("Ending", sandbox.ending).member("Resolver", sandbox.resolver);
        out.member("NameServers", sandbox.name_servers.addresses).member("NameServersChosen", sandbox.name_servers.chosen);
        out.member("NdotsSet", sandbox.name_servers.ndots_set);
        out.array("Exposed", [&] {
            for (const Port& port : sandbox.ports.exposed) out.value(port.text());
        });
        out.array("Bindings", [&] {
            for (const PortBinding& binding : sandbox.ports.bindings) write(out, binding);
        });
        out.array("Endpoints", [&] {
            for (const Endpoint& endpoint : sandbox.endpoints) write(out, endpoint);
        });
    });
    return out.take();
}

void decodeSandbox(std::string_view text, Sandbox& sandbox) {
    const json::Document document = json::Document::parse(text);
    const json::Value root = document.root();
    sandbox.container_id = root["Container"].string();
    sandbox.container_name = root["Name"].string();
    sandbox.key = root["Key"].string();
    sandbox.ending = root["Ending"].boolean();
    sandbox.resolver = root["Resolver"].boolean();
    sandbox.name_servers = {.addresses = root["NameServers"].strings(),
                            .chosen = root["NameServersChosen"].boolean(),
                            .ndots_set = root["NdotsSet"].boolean()};
    for (const std::string& port : root["Exposed"].strings()) sandbox.ports.exposed.push_back(Port::parse(port));
    for (const json::Value one : root["Bindings"].array()) sandbox.ports.bindings.push_back(readBinding(one));
    for (const json::Value one : root["Endpoints"].array()) sandbox.endpoints.push_back(readEndpoint(one));
}

}  // namespace davit::network
