#include "bridge_options.hpp"

#include <algorithm>
#include <functional>
#include <map>

#include "base/check.hpp"
#include "common/options.hpp"

namespace davit::bridge {
namespace {

constexpr std::string_view kOwn = "com.docker.network.bridge.";

GatewayMode readMode(const std::string& option, const std::string& value) {
    if (value.empty() || value == "nat") return GatewayMode::nat;
    if (value == "nat-unprotected") return GatewayMode::nat_unprotected;
    if (value == "routed") return GatewayMode::routed;
    if (value == "isolated") return GatewayMode::isolated;
    throw error(Code::invalid, "invalid value for {}: unknown gateway mode {}", option, value);
}

std::vector<std::string> readLinkNames(const std::string& option, const std::string& value) {
    std::vector<std::string> names;
    for (std::size_t at = 0; at < value.size();) {
        const std::size_t end = std::min(value.find(':', at), value.size());
        if (end > at) names.push_back(readLinkName(option, value.substr(at, end - at)));
        at = end + 1;
    }
    return names;
}

// What is read before it is known which families the network has.
struct Modes {
    GatewayMode ipv4 = GatewayMode::nat;
    GatewayMode ipv6 = GatewayMode::nat;
};

using Setter = std::function<void(const std::string& name, const std::string& value, Network& network, Modes& modes)>;

const std::map<std::string, Setter, std::less<>>& setters() {
    using S = const std::string&;
    static const std::map<std::string, Setter, std::less<>> table{
        {"com.docker.network.bridge.name",
         [](S name, S value, Network& n, Modes&) { if (!value.empty()) n.bridge = readLinkName(name, value); }},
        {"com.docker.network.bridge.default_bridge", [](S name, S value, Network& n, Modes&) { n.default_bridge = readBool(name, value); }},
        {"com.docker.network.bridge.enable_icc", [](S name, S value, Network& n, Modes&) { n.icc = readBool(name, value); }},
        {"com.docker.network.bridge.enable_ip_masquerade",
         [](S name, S value, Network& n, Modes&) { n.masquerade = readBool(name, value); }},
        {"com.docker.network.bridge.inhibit_ipv4", [](S name, S value, Network& n, Modes&) { n.inhibit_ipv4 = readBool(name, value); }},
        {"com.docker.network.bridge.host_binding_ipv4",
         [](S name, S value, Network& n, Modes&) {
             if (value.empty()) return;
             n.host_binding = IpAddress::parse(value);
             if (!n.host_binding || n.host_binding->family != IpFamily::v4)
                 throw error(Code::invalid, "invalid value for {}: \"{}\" is no IPv4 address", name, value);
         }},
        {"com.docker.network.bridge.gateway_mode_ipv4", [](S name, S value, Network&, Modes& m) { m.ipv4 = readMode(name, value); }},
        {"com.docker.network.bridge.gateway_mode_ipv6", [](S name, S value, Network&, Modes& m) { m.ipv6 = readMode(name, value); }},
        {"com.docker.network.bridge.trusted_host_interfaces",
         [](S name, S value, Network& n, Modes&) { n.trusted_interfaces = readLinkNames(name, value); }},
        {"com.docker.network.bridge.mtu", [](S name, S value, Network& n, Modes&) { n.mtu = readMtu(name, value); }},
        {"com.docker.network.driver.mtu", [](S name, S value, Network& n, Modes&) { n.mtu = readMtu(name, value); }},
        {"com.docker.network.container_iface_prefix",
         [](S name, S value, Network& n, Modes&) { if (!value.empty()) n.interface_prefix = readLinkName(name, value); }}};
    return table;
}

void readUserOptions(const CreateNetwork& request, Network& network, Modes& modes) {
    for (const auto& [name, text] : userOptions(request.options)) {
        const auto setter = setters().find(name);
        if (setter != setters().end())
            setter->second(name, text, network, modes);
        else if (name.starts_with(kOwn) || name == "encrypted" || name.ends_with(".encrypted"))
            throw error(Code::invalid, "unknown option \"{}\" for the bridge driver", name);
    }
}

std::optional<Subnet> readSubnet(const std::vector<IpamData>& data, IpFamily family, GatewayMode mode) {
    if (data.empty()) return std::nullopt;
    if (data.size() > 1) throw Error(Code::invalid, "bridge driver doesn't support multiple subnets");
    const auto pool = IpPrefix::parse(data.front().pool);
    if (!pool || pool->address.family != family) throw error(Code::invalid, "invalid subnet \"{}\"", data.front().pool);
    Subnet subnet{.pool = pool->network(), .gateway = std::nullopt, .mode = mode};
    const auto other = data.front().aux_addresses.find(family == IpFamily::v4 ? "DefaultGatewayIPv4" : "DefaultGatewayIPv6");
    if (other != data.front().aux_addresses.end()) {
        const auto address = IpPrefix::parse(other->second);
        if (!address || !subnet.pool.contains(address->address))
            throw error(Code::invalid, "invalid default gateway \"{}\" of the subnet {}", other->second, data.front().pool);
        subnet.default_gateway = address->address;
    }
    if (data.front().gateway.empty()) return subnet;
    subnet.gateway = IpPrefix::parse(data.front().gateway);
    if (!subnet.gateway || !subnet.pool.contains(subnet.gateway->address))
        throw error(Code::invalid, "invalid gateway \"{}\" of the subnet {}", data.front().gateway, data.front().pool);
    return subnet;
}

}  // namespace

std::vector<IpPrefix> Network::gateways() const {
    std::vector<IpPrefix> result;
    const auto wanted = [](const std::optional<Subnet>& subnet) {
        return subnet && subnet->gateway && subnet->mode != GatewayMode::isolated;
    };
    if (wanted(ipv4) && !inhibit_ipv4) result.push_back(*ipv4->gateway);
    if (wanted(ipv6)) result.push_back(*ipv6->gateway);
    return result;
}

Network readNetwork(const CreateNetwork& request) {
    if (!plainId(request.network_id)) throw error(Code::invalid, "invalid network id \"{}\"", request.network_id);
    Network network{.id = request.network_id, .bridge = "br-" + request.network_id.substr(0, 12)};
    network.internal = boolOption(request.options, "com.docker.network.internal", false);
    Modes modes;
    readUserOptions(request, network, modes);
    if (boolOption(request.options, "com.docker.network.enable_ipv4", true))
        network.ipv4 = readSubnet(request.ipv4, IpFamily::v4, modes.ipv4);
    if (boolOption(request.options, "com.docker.network.enable_ipv6", !request.ipv6.empty()))
        network.ipv6 = readSubnet(request.ipv6, IpFamily::v6, modes.ipv6);
    if (!network.internal && (modes.ipv4 == GatewayMode::isolated || modes.ipv6 == GatewayMode::isolated))
        throw Error(Code::invalid, "gateway mode 'isolated' can only be used for an internal network");
    return network;
}

}  // namespace davit::bridge
