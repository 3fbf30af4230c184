#include "app/network_options.hpp"

#include <charconv>

#include "app/daemon_config.hpp"
#include "base/check.hpp"

namespace davit::app {
namespace {

constexpr std::size_t kLongestLinkName = 15;

std::int64_t number(const std::string& text) {
    std::int64_t value = 0;
    const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (bad != std::errc() || end != text.data() + text.size()) throw error(Code::invalid, "not a number: {}", text);
    return value;
}

IpAddress address(const std::string& text, std::optional<IpFamily> family = {}) {
    const auto parsed = IpAddress::parse(text);
    if (!parsed) throw error(Code::invalid, "{} is not an ip address", text);
    if (family && parsed->family != *family)
        throw error(Code::invalid, "{} is no IPv{} address", text, *family == IpFamily::v4 ? 4 : 6);
    return *parsed;
}

IpPrefix prefix(const std::string& text, IpFamily family) {
    const auto parsed = IpPrefix::parse(text);
    if (!parsed) throw error(Code::invalid, "invalid CIDR address: {}", text);
    if (parsed->address.family != family)
        throw error(Code::invalid, "{} is no IPv{} subnet", text, family == IpFamily::v4 ? 4 : 6);
    return *parsed;
}

/// A subnet with the address that the bridge has in it.
IpPrefix bridgeAddress(const std::string& text, IpFamily family) {
    const IpPrefix parsed = prefix(text, family);
    if (parsed.length < ipBits(family) - 1 && parsed.address == parsed.first())
        throw error(Code::invalid, "{} is the address of the subnet, not one for the bridge", text);
    return parsed;
}

void addPool(DaemonConfig& config, const std::string& base, std::int64_t size) {
    const auto parsed = IpPrefix::parse(base);
    if (!parsed) throw error(Code::invalid, "invalid base pool \"{}\": invalid CIDR address: {}", base, base);
    if (*parsed != parsed->network())
        throw error(Code::invalid, "invalid base pool \"{}\": it should be {}", base, parsed->network().text());
    if (size < static_cast<std::int64_t>(parsed->length) || size > static_cast<std::int64_t>(ipBits(parsed->address.family)))
        throw error(Code::invalid, "invalid pools size: {} (a subnet of {} has {} to {} bits)", size, base, parsed->length,
                    ipBits(parsed->address.family));
    config.network.address_pools.push_back(fmt::format("{} {}", parsed->text(), size));
}

void addPool(DaemonConfig& config, const std::string& text) {
    std::string base;
    std::string size;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find(',', at), text.size());
        const std::string field = text.substr(at, end - at);
        if (field.starts_with("base="))
            base = field.substr(5);
        else if (field.starts_with("size="))
            size = field.substr(5);
        else
            throw error(Code::invalid, "invalid field {}: expected base=CIDR,size=BITS", field);
        at = end + 1;
    }
    addPool(config, base, number(size));
}

}  // namespace

void setBridge(DaemonConfig& config, const SettingValues& values) {
    const std::string& name = values.back();
    if (name.size() > kLongestLinkName || name.find_first_of("/ :") != std::string::npos)
        throw error(Code::invalid, "bridge '{}': not a name of a network interface", name);
    config.network.bridge = name;
}

void setMtu(DaemonConfig& config, const SettingValues& values) {
    const std::int64_t mtu = number(values.back());
    if (mtu < 0 || mtu > 65535) throw error(Code::invalid, "invalid default MTU: {}", mtu);
    config.network.mtu = mtu == 0 ? NetworkOptions{}.mtu : static_cast<unsigned>(mtu);
}

void setHostAddress(DaemonConfig& config, const SettingValues& values) { config.network.host_address = address(values.back(), IpFamily::v4); }
void setDefaultGateway(DaemonConfig& config, const SettingValues& values) {
    config.network.default_gateway = address(values.back(), IpFamily::v4);
}
void setDefaultGatewayV6(DaemonConfig& config, const SettingValues& values) {
    config.network.default_gateway_v6 = address(values.back(), IpFamily::v6);
}
void setBip(DaemonConfig& config, const SettingValues& values) { config.network.bip = bridgeAddress(values.back(), IpFamily::v4); }
void setBip6(DaemonConfig& config, const SettingValues& values) { config.network.bip6 = bridgeAddress(values.back(), IpFamily::v6); }
void setFixedCidr(DaemonConfig& config, const SettingValues& values) {
    config.network.fixed_cidr = prefix(values.back(), IpFamily::v4).network();
}
void setFixedCidrV6(DaemonConfig& config, const SettingValues& values) {
    config.network.fixed_cidr_v6 = prefix(values.back(), IpFamily::v6).network();
}

void addAddressPools(DaemonConfig& config, const SettingValues& values) {
    for (const std::string& one : values) addPool(config, one);
}

void readAddressPools(DaemonConfig& config, const json::Value& value) {
    for (const json::Value pool : value.array()) addPool(config, pool["base"].string(), pool["size"].integer());
}

void readDefaultNetworkOpts(DaemonConfig& config, const json::Value& value) {
    for (const auto& [driver, options] : value.object()) config.network.default_network_opts[std::string(driver)] = options.stringMap();
}

void setDns(DaemonConfig& config, const SettingValues& values) {
    for (const std::string& server : values) (void)address(server);
    config.engine.dns = values;
}
void setDnsOptions(DaemonConfig& config, const SettingValues& values) { config.engine.dns_options = values; }
void setDnsSearch(DaemonConfig& config, const SettingValues& values) { config.engine.dns_search = values; }

void setHostGateways(DaemonConfig& config, const SettingValues& values) {
    for (const std::string& one : values) (void)address(one);
    config.engine.host_gateways = values;
}

std::vector<std::string> networkFaults(const NetworkOptions& options) {
    std::vector<std::string> faults;
    if (!options.bridge.empty() && options.bridge != "none" && (options.bip || options.bip6))
        faults.emplace_back("You specified -b & --bip, mutually exclusive options. Please specify only one");
    const auto within = [&](const char* what, const auto& inner, const std::optional<IpPrefix>& subnet) {
        if (inner && subnet && !subnet->contains(*inner))
            faults.push_back(fmt::format("{} {} is outside of the bridge's subnet {}", what, inner->text(), subnet->network().text()));
    };
    within("fixed-cidr", options.fixed_cidr, options.bip);
    within("fixed-cidr-v6", options.fixed_cidr_v6, options.bip6);
    within("default-gateway", options.default_gateway, options.bip);
    within("default-gateway-v6", options.default_gateway_v6, options.bip6);
    return faults;
}

}  // namespace davit::app
