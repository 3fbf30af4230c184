#include "app/standard_network.hpp"

#include "base/check.hpp"
#include "base/json.hpp"
#include "linux/netlink/links.hpp"
#include "oci/digest.hpp"

namespace davit::app {
namespace {

constexpr std::string_view kOwnBridge = "davit0";

/// Several daemons on one host must not share a bridge.
std::string ownBridge(const engine::EngineOptions& options) {
    if (options.exec_root == kDefaultExecRoot && options.data_root == kDefaultDataRoot) return std::string(kOwnBridge);
    return "davit-" + std::string(oci::digestHex(oci::sha256(options.data_root.string())).substr(0, 8));
}

std::vector<IpPrefix> addressesOfBridge(const std::string& name) {
    const auto link = linux::findLink(name);
    if (!link) throw error(Code::not_found, "bridge device with non default name {} must be created manually", name);
    return linux::addressesOf(link->index);
}

std::optional<IpPrefix> firstOf(const std::vector<IpPrefix>& addresses, IpFamily family) {
    for (const IpPrefix& one : addresses)
        if (one.address.family == family) return one;
    return std::nullopt;
}

/// What the configuration says of the addresses of one family.
struct Wish {
    std::optional<IpPrefix> bridge;  ///< its own address
    std::optional<IpPrefix> range;
    std::optional<IpAddress> gateway;
    const char* gateway_name = nullptr;  ///< under which drivers look for it among the auxiliary addresses
};

void addPool(network::NetworkConfig& standard, const Wish& wish) {
    if (!wish.bridge && !wish.range && !wish.gateway) return;
    network::IpamPool pool;
    if (wish.bridge || wish.range) pool.subnet = (wish.bridge ? *wish.bridge : *wish.range).network().text();
    if (wish.range && wish.range->text() != pool.subnet) pool.ip_range = wish.range->text();
    if (wish.bridge) pool.gateway = wish.bridge->address.text();
    if (wish.gateway && (!wish.bridge || *wish.gateway != wish.bridge->address))
        pool.aux_addresses[wish.gateway_name] = wish.gateway->text();
    standard.ipam.pools.push_back(std::move(pool));
}

const char* text(bool value) { return value ? "true" : "false"; }

/// Adds a member unless the section has it.
void addMember(plugin::DriverSection& section, std::string_view name, const std::string& json) {
    const json::Document document = json::Document::parse(section.config_json);
    if (document.root()[name]) return;
    json::Writer out;
    out.object([&] {
        for (const auto& [key, value] : document.root().object()) out.key(key).raw(value.text());
        out.key(name).raw(json);
    });
    section.config_json = out.take();
}

}  // namespace

std::optional<network::NetworkConfig> standardNetwork(const DaemonConfig& config) {
    const NetworkOptions& options = config.network;
    if (options.bridge == "none") return std::nullopt;
    network::NetworkConfig standard;
    standard.name = "bridge";
    standard.driver = "bridge";
    standard.enable_ipv6 = options.ipv6;
    standard.options = {{"com.docker.network.bridge.default_bridge", "true"},
                        {"com.docker.network.bridge.enable_icc", text(options.icc)},
                        {"com.docker.network.bridge.enable_ip_masquerade", text(options.ip_masq)},
                        {"com.docker.network.bridge.host_binding_ipv4", options.host_address ? options.host_address->text() : "0.0.0.0"},
                        {"com.docker.network.bridge.name", options.bridge.empty() ? ownBridge(config.engine) : options.bridge},
                        {"com.docker.network.driver.mtu", std::to_string(options.mtu)}};
    const std::vector<IpPrefix> present = options.bridge.empty() ? std::vector<IpPrefix>{} : addressesOfBridge(options.bridge);
    addPool(standard, {.bridge = options.bip ? options.bip : firstOf(present, IpFamily::v4),
                       .range = options.fixed_cidr,
                       .gateway = options.default_gateway,
                       .gateway_name = "DefaultGatewayIPv4"});
    if (options.ipv6)
        addPool(standard, {.bridge = options.bip6 ? options.bip6 : firstOf(present, IpFamily::v6),
                           .range = options.fixed_cidr_v6,
                           .gateway = options.default_gateway_v6,
                           .gateway_name = "DefaultGatewayIPv6"});
    return standard;
}

std::map<std::string, plugin::DriverSection, std::less<>> driverSections(const DaemonConfig& config) {
    auto sections = config.driver_sections;
    if (!config.network.ip_forward) addMember(sections["bridge"], "ip-forward", "false");
    json::Writer volumes;
    volumes.value((config.engine.data_root / "volumes").string());
    addMember(sections["local"], "Root", volumes.take());
    if (!config.network.address_pools.empty()) {
        json::Writer pools;
        pools.value(config.network.address_pools);
        addMember(sections["default"], "pools", pools.take());
    }
    return sections;
}

}  // namespace davit::app
