#include "api/endpoint_config.hpp"

namespace davit::api {

network::EndpointConfig readEndpoint(const json::Value& value) {
    const json::Value ipam = value["IPAMConfig"];
    return {.ipv4_address = ipam["IPv4Address"].string(),
            .ipv6_address = ipam["IPv6Address"].string(),
            .link_local_addresses = ipam["LinkLocalIPs"].strings(),
            .mac_address = value["MacAddress"].string(),
            .links = value["Links"].strings(),
            .aliases = value["Aliases"].strings(),
            .driver_opts = value["DriverOpts"].stringMap(),
            .gateway_priority = static_cast<int>(value["GwPriority"].integer())};
}

}  // namespace davit::api
