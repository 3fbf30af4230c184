#include "network/driver_options.hpp"

#include <netinet/in.h>

#include "base/check.hpp"
#include "base/json.hpp"

namespace davit::network {
namespace {

constexpr std::pair<std::string_view, int> kProtocols[] = {{"tcp", IPPROTO_TCP}, {"udp", IPPROTO_UDP}, {"sctp", IPPROTO_SCTP}};

int protocolNumber(std::string_view name) {
    for (const auto& [text, number] : kProtocols)
        if (text == name) return number;
    throw error(Code::invalid, "invalid proto: {}", name);
}

std::string protocolName(std::int64_t number) {
    for (const auto& [text, value] : kProtocols)
        if (value == number) return std::string(text);
    return std::to_string(number);
}

std::string optionsText(const Options& options) {
    json::Writer out;
    out.value(options);
    return out.take();
}

std::string exposedText(const PortSettings& ports) {
    json::Writer out;
    out.array([&] {
        for (const Port& port : ports.exposed)
            out.object([&] { out.member("Proto", protocolNumber(port.protocol)).member("Port", port.number); });
    });
    return out.take();
}

std::string bindingsText(const PortSettings& ports) {
    json::Writer out;
    out.array([&] {
        for (const PortBinding& one : ports.bindings)
            out.object([&] {
                out.member("Proto", protocolNumber(one.port.protocol)).member("IP", "").member("Port", one.port.number);
                out.member("HostIP", one.host_ip).member("HostPort", one.host_port).member("HostPortEnd", one.host_port_end);
            });
    });
    return out.take();
}

IpamData ipamData(const AssignedPool& assigned) {
    IpamData data{.address_space = assigned.address_space, .pool = assigned.pool.subnet, .gateway = {}, .aux_addresses = {}};
    const std::string length = data.pool.substr(std::min(data.pool.find('/'), data.pool.size()));
    if (!assigned.pool.gateway.empty()) data.gateway = assigned.pool.gateway + length;
    for (const auto& [name, address] : assigned.pool.aux_addresses) data.aux_addresses[name] = address + length;
    return data;
}

}  // namespace

JsonOptions networkOptions(const Network& network) {
    const NetworkConfig& config = network.config;
    JsonOptions options = {{"com.docker.network.generic", optionsText(config.options)},
                           {"com.docker.network.enable_ipv4", config.enable_ipv4 ? "true" : "false"},
                           {"com.docker.network.enable_ipv6", config.enable_ipv6 ? "true" : "false"}};
    if (config.internal) options["com.docker.network.internal"] = "true";
    return options;
}

CreateNetwork createRequest(const Network& network) {
    CreateNetwork request{.network_id = network.id, .options = networkOptions(network), .ipv4 = {}, .ipv6 = {}};
    for (const AssignedPool& pool : network.pools)
        (pool.family == IpFamily::v4 ? request.ipv4 : request.ipv6).push_back(ipamData(pool));
    return request;
}

JsonOptions portOptions(const PortSettings& ports) {
    return {{"com.docker.network.endpoint.exposedports", exposedText(ports)}, {"com.docker.network.portmap", bindingsText(ports)}};
}

JsonOptions endpointOptions(const PortSettings& ports, const Endpoint& endpoint) {
    JsonOptions options = portOptions(ports);
    for (const auto& [key, value] : endpoint.config.driver_opts) options[key] = json::quote(value);
    options["com.docker.network.endpoint.ifname"] = json::quote(endpoint.interface_name);
    if (!endpoint.config.mac_address.empty())
        options["com.docker.network.endpoint.macaddress"] = json::quote(endpoint.config.mac_address);
    return options;
}

std::vector<PortBinding> publishedPorts(const JsonOptions& info) {
    const auto found = info.find("com.docker.network.portmap");
    if (found == info.end()) return {};
    std::vector<PortBinding> ports;
    const json::Document document = json::Document::parse(found->second);
    for (const json::Value one : document.root().array()) {
        PortBinding binding;
        binding.port.protocol = protocolName(one["Proto"].integer());
        binding.port.number = static_cast<std::uint16_t>(one["Port"].integer());
        binding.host_ip = one["HostIP"].string();
        binding.host_port = static_cast<std::uint16_t>(one["HostPort"].integer());
        binding.host_port_end = static_cast<std::uint16_t>(one["HostPortEnd"].integer());
        ports.push_back(std::move(binding));
    }
    return ports;
}

}  // namespace davit::network
