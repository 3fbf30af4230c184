#include "cli/run_network.hpp"

#include <fmt/format.h>

#include <map>

#include "base/check.hpp"
#include "cli/run_json.hpp"

namespace davit::cli {
namespace {

bool isUserDefined(const std::string& network) {
    return network != "default" && network != "bridge" && network != "host" && network != "none" &&
           !network.starts_with("container:");
}

bool hasSettings(const NetworkRequest& n) {
    return !n.aliases.empty() || !n.driver_options.empty() || !n.ip.empty() || !n.ip6.empty() ||
           !n.mac_address.empty() || !n.link_local_ips.empty() || !n.links.empty() || n.gateway_priority != 0;
}

void takeOver(std::string& member, const std::string& flag, std::string_view flag_name, std::string_view what) {
    if (!member.empty() && !flag.empty())
        throw error(Code::invalid, "conflicting options: cannot specify both {} and per-network {}", flag_name, what);
    if (!flag.empty()) member = flag;
}

void takeOver(std::vector<std::string>& member, const std::vector<std::string>& flag, std::string_view flag_name,
              std::string_view what) {
    if (!member.empty() && !flag.empty())
        throw error(Code::invalid, "conflicting options: cannot specify both {} and per-network {}", flag_name, what);
    if (!flag.empty()) member = flag;
}

// --ip, --network-alias and so on belong to the first network.
void applyFlags(NetworkRequest& network, const RunOptions& o) {
    takeOver(network.aliases, o.aliases, "--network-alias", "alias");
    takeOver(network.ip, o.ip, "--ip", "IPv4 address");
    takeOver(network.ip6, o.ip6, "--ip6", "IPv6 address");
    takeOver(network.mac_address, o.mac_address, "--mac-address", "MAC address");
    takeOver(network.link_local_ips, o.link_local_ips, "--link-local-ip", "link-local IP addresses");
    if (network.name != "default") takeOver(network.links, o.links, "--link", "links");
}

void checkNetwork(const NetworkRequest& network) {
    if (!network.mac_address.empty()) (void)checkMac(network.mac_address);
    if (isUserDefined(network.name)) return;
    if (!network.aliases.empty())
        throw Error(Code::invalid, "network-scoped aliases are only supported for user-defined networks");
    if (!network.links.empty()) throw Error(Code::invalid, "links are only supported for user-defined networks");
}

std::map<std::string, NetworkRequest> endpoints(const RunOptions& o) {
    std::vector<NetworkRequest> networks = o.networks;
    if (networks.empty()) networks.emplace_back().name = "default";
    applyFlags(networks.front(), o);
    std::map<std::string, NetworkRequest> out;
    bool user_defined = false;
    bool built_in = false;
    for (const NetworkRequest& network : networks) {
        (isUserDefined(network.name) ? user_defined : built_in) = true;
        checkNetwork(network);
        if (out.contains(network.name))
            throw error(Code::invalid, "network \"{}\" is specified multiple times", network.name);
        // A single network without settings isn't sent: the daemon makes its endpoint by itself.
        if (o.networks.size() == 1 && !hasSettings(network)) continue;
        out[network.name] = network;
    }
    if (user_defined && built_in)
        throw Error(Code::invalid,
                    "conflicting options: cannot attach both user-defined and non-user-defined network-modes");
    return out;
}

void writeAddresses(json::Writer& out, const NetworkRequest& network) {
    if (network.ip.empty() && network.ip6.empty() && network.link_local_ips.empty()) {
        out.key("IPAMConfig").null();
        return;
    }
    out.object("IPAMConfig", [&] {
        if (!network.ip.empty()) out.member("IPv4Address", network.ip);
        if (!network.ip6.empty()) out.member("IPv6Address", network.ip6);
        if (!network.link_local_ips.empty()) out.member("LinkLocalIPs", network.link_local_ips);
    });
}

}  // namespace

std::string networkMode(const RunOptions& options) {
    return options.networks.empty() ? "default" : options.networks.front().name;
}

std::string firstMacAddress(const RunOptions& options) {
    if (!options.mac_address.empty() || options.networks.empty()) return options.mac_address;
    return options.networks.front().mac_address;
}

void writeNetworkingConfig(json::Writer& out, const RunOptions& options) {
    const auto write_endpoint = [&](const NetworkRequest& network) {
        writeAddresses(out, network);
        textsOrNull(out, "Links", network.links);
        textsOrNull(out, "Aliases", network.aliases);
        out.member("MacAddress", network.mac_address);
        if (network.driver_options.empty())
            out.key("DriverOpts").null();
        else
            out.member("DriverOpts", network.driver_options);
        out.member("GwPriority", network.gateway_priority);
        for (const char* name : {"NetworkID", "EndpointID", "Gateway", "IPAddress"}) out.member(name, "");
        out.member("IPPrefixLen", 0).member("IPv6Gateway", "").member("GlobalIPv6Address", "");
        out.member("GlobalIPv6PrefixLen", 0).key("DNSNames").null();
    };
    out.object("NetworkingConfig", [&] {
        out.object("EndpointsConfig", [&] {
            for (const auto& endpoint : endpoints(options))
                out.object(endpoint.first, [&] { write_endpoint(endpoint.second); });
        });
    });
}

}  // namespace davit::cli
