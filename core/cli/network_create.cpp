// davit network create
#include <algorithm>

#include "base/check.hpp"
#include "base/ip.hpp"
#include "cli/verbs.hpp"

namespace davit::cli {
namespace {

struct PoolRequest {
    IpPrefix subnet;
    std::string range;
    std::string gateway;
    std::map<std::string, std::string> aux_addresses;
};

struct CreateOptions {
    std::string driver = "bridge";
    std::string scope;
    std::string config_from;
    std::string ipam_driver = "default";
    bool attachable = false;
    bool config_only = false;
    bool ingress = false;
    bool internal = false;
    bool ipv4 = true;
    bool ipv6 = false;
    std::vector<std::string> subnets;
    std::vector<std::string> ranges;
    std::vector<std::string> gateways;
    std::map<std::string, std::string> aux_addresses;
    std::map<std::string, std::string> ipam_options;
    std::map<std::string, std::string> options;
    std::map<std::string, std::string> labels;
};

/// Collects "key=value"; without '=' the value is empty.
std::function<void(const std::string&)> into(std::map<std::string, std::string>& map) {
    return [&map](const std::string& text) {
        const std::size_t equals = std::min(text.find('='), text.size());
        map[text.substr(0, equals)] = text.substr(std::min(equals + 1, text.size()));
    };
}

void declareFlags(FlagSet& flags, CreateOptions& options) {
    flags.boolean(&options.attachable, "attachable", '\0', "Enable manual container attachment")
        .custom(into(options.aux_addresses), "aux-address", '\0', "map", "Auxiliary IPv4 or IPv6 addresses used by Network driver")
        .string(&options.config_from, "config-from", '\0', "The network from which to copy the configuration")
        .boolean(&options.config_only, "config-only", '\0', "Create a configuration only network")
        .string(&options.driver, "driver", 'd', "Driver to manage the Network")
        .list(&options.gateways, "gateway", '\0', "IPv4 or IPv6 Gateway for the master subnet", "strings")
        .boolean(&options.ingress, "ingress", '\0', "Create swarm routing-mesh network")
        .boolean(&options.internal, "internal", '\0', "Restrict external access to the network")
        .list(&options.ranges, "ip-range", '\0', "Allocate container ip from a sub-range", "strings")
        .string(&options.ipam_driver, "ipam-driver", '\0', "IP Address Management Driver")
        .custom(into(options.ipam_options), "ipam-opt", '\0', "map", "Set IPAM driver specific options")
        .boolean(&options.ipv4, "ipv4", '\0', "Enable or disable IPv4 address assignment")
        .boolean(&options.ipv6, "ipv6", '\0', "Enable or disable IPv6 address assignment")
        .custom(into(options.labels), "label", '\0', "list", "Set metadata on a network")
        .custom(into(options.options), "opt", 'o', "map", "Set driver specific options")
        .string(&options.scope, "scope", '\0', "Control the network's scope")
        .list(&options.subnets, "subnet", '\0', "Subnet in CIDR format that represents a network segment", "strings");
}

std::vector<PoolRequest> parseSubnets(const std::vector<std::string>& subnets) {
    std::vector<PoolRequest> pools;
    for (const std::string& text : subnets) {
        const auto subnet = IpPrefix::parse(text);
        if (!subnet) throw error(Code::invalid, "invalid CIDR address: {}", text);
        for (const PoolRequest& other : pools)
            if (other.subnet.overlaps(*subnet)) throw error(Code::invalid, "multiple overlapping subnet configuration is not supported");
        pools.push_back({*subnet, {}, {}, {}});
    }
    return pools;
}

PoolRequest& poolOf(std::vector<PoolRequest>& pools, const IpAddress& address, const char* what, const std::string& text) {
    for (PoolRequest& pool : pools)
        if (pool.subnet.contains(address)) return pool;
    throw error(Code::invalid, "no matching subnet for {} {}", what, text);
}

/// Docker's rules of which --ip-range, --gateway and --aux-address belongs to which --subnet.
std::vector<PoolRequest> poolRequests(const CreateOptions& options) {
    if (options.subnets.size() < options.ranges.size() || options.subnets.size() < options.gateways.size())
        throw error(Code::invalid, "every ip-range or gateway must have a corresponding subnet");
    std::vector<PoolRequest> pools = parseSubnets(options.subnets);
    for (const std::string& text : options.ranges) {
        const auto range = IpPrefix::parse(text);
        if (!range) throw error(Code::invalid, "invalid CIDR address: {}", text);
        PoolRequest& pool = poolOf(pools, range->address, "range", text);
        if (!pool.range.empty())
            throw error(Code::invalid, "cannot configure multiple ranges ({}, {}) on the same subnet ({})", text, pool.range,
                        pool.subnet.text());
        pool.range = text;
    }
    for (const std::string& text : options.gateways) {
        const auto gateway = IpAddress::parse(text);
        if (!gateway) throw error(Code::invalid, "invalid gateway address: {}", text);
        PoolRequest& pool = poolOf(pools, *gateway, "gateway", text);
        if (!pool.gateway.empty())
            throw error(Code::invalid, "cannot configure multiple gateways ({}, {}) for the same subnet ({})", text, pool.gateway,
                        pool.subnet.text());
        pool.gateway = text;
    }
    for (const auto& [name, text] : options.aux_addresses) {
        const auto address = IpAddress::parse(text);
        if (!address) throw error(Code::invalid, "invalid aux-address: {}", text);
        poolOf(pools, *address, "aux-address", text).aux_addresses[name] = text;
    }
    return pools;
}

void writeIpam(json::Writer& out, const CreateOptions& options) {
    out.member("Driver", options.ipam_driver).member("Options", options.ipam_options);
    out.array("Config", [&] {
        for (const PoolRequest& pool : poolRequests(options)) {
            out.object([&] {
                out.member("Subnet", pool.subnet.text());
                if (!pool.range.empty()) out.member("IPRange", pool.range);
                if (!pool.gateway.empty()) out.member("Gateway", pool.gateway);
                if (!pool.aux_addresses.empty()) out.member("AuxiliaryAddresses", pool.aux_addresses);
            });
        }
    });
}

std::string requestBody(const std::string& name, const CreateOptions& options, const FlagSet& flags) {
    json::Writer out;
    out.object([&] {
        out.member("Name", name).member("CheckDuplicate", true).member("Driver", options.driver);
        if (!options.scope.empty()) out.member("Scope", options.scope);
        if (flags.changed("ipv4")) out.member("EnableIPv4", options.ipv4);
        if (flags.changed("ipv6")) out.member("EnableIPv6", options.ipv6);
        out.object("IPAM", [&] { writeIpam(out, options); });
        out.member("Internal", options.internal).member("Attachable", options.attachable).member("Ingress", options.ingress);
        out.member("ConfigOnly", options.config_only);
        if (!options.config_from.empty()) out.object("ConfigFrom", [&] { out.member("Network", options.config_from); });
        out.member("Options", options.options).member("Labels", options.labels);
    });
    return out.take();
}

}  // namespace

int createNetwork(Cli& cli, CommandLine& line) {
    CreateOptions options;
    declareFlags(line.flags(), options);
    const std::string name = line.parse().front();
    const json::Document reply = cli.client().json(
        {.method = "POST", .path = "/networks/create", .query = {}, .json = requestBody(name, options, line.flags())});
    if (const std::string warning = reply.root()["Warning"].string(); !warning.empty()) printError("WARNING: " + warning + "\n");
    printOut(reply.root()["Id"].string() + "\n");
    return 0;
}

}  // namespace davit::cli
