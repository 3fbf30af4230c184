#include "api/views/network_view.hpp"

#include "base/clock.hpp"

namespace davit::api {
namespace {

void writePool(json::Writer& out, const network::IpamPool& pool) {
    out.object([&] {
        out.member("Subnet", pool.subnet);
        if (!pool.ip_range.empty()) out.member("IPRange", pool.ip_range);
        if (!pool.gateway.empty()) out.member("Gateway", pool.gateway);
        if (!pool.aux_addresses.empty()) out.member("AuxiliaryAddresses", pool.aux_addresses);
    });
}

void writeIpam(json::Writer& out, const network::Network& network) {
    out.object("IPAM", [&] {
        out.member("Driver", network.config.ipam.driver);
        out.key("Options");
        if (network.config.ipam.options.empty() && !network.hasEndpoints())
            out.null();
        else
            out.value(network.config.ipam.options);
        out.array("Config", [&] {
            for (const network::AssignedPool& assigned : network.pools) writePool(out, assigned.pool);
            if (!network.config.config_only) return;
            for (const network::IpamPool& pool : network.config.ipam.pools) writePool(out, pool);
        });
    });
}

}  // namespace

void writeNetwork(json::Writer& out, const network::Network& network, const std::vector<engine::NetworkMember>& members) {
    const network::NetworkConfig& config = network.config;
    out.object([&] {
        out.member("Name", config.name);
        out.member("Id", network.id);
        out.member("Created", formatRfc3339(network.created));
        out.member("Scope", "local");
        out.member("Driver", config.config_only ? "null" : config.driver);  // Docker's word for: none
        out.member("EnableIPv4", config.enable_ipv4);
        out.member("EnableIPv6", config.enable_ipv6);
        writeIpam(out, network);
        out.member("Internal", config.internal);
        out.member("Attachable", config.attachable);
        out.member("Ingress", false);
        out.object("ConfigFrom", [&] { out.member("Network", config.config_from); });
        out.member("ConfigOnly", config.config_only);
        out.object("Containers", [&] {
            for (const engine::NetworkMember& member : members)
                out.object(member.container_id, [&] {
                    out.member("Name", member.name);
                    out.member("EndpointID", member.endpoint_id);
                    out.member("MacAddress", member.mac_address);
                    out.member("IPv4Address", member.ipv4_address);
                    out.member("IPv6Address", member.ipv6_address);
                });
        });
        out.member("Options", config.options);
        out.member("Labels", config.labels);
    });
}

}  // namespace davit::api
