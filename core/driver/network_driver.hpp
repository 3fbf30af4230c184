// NetworkDriver: networks and the endpoints that join them to sandboxes. The wire is libnetwork's remote driver protocol.
// Option values there are any JSON; they travel as JSON text ("true", "[{\"Port\":80}]") so that a driver that doesn't
// know a key needn't parse it.
#pragma once

#include <string>
#include <vector>

#include "driver/driver.hpp"

namespace davit {

/// Option name -> JSON text of its value.
using JsonOptions = std::map<std::string, std::string>;

struct NetworkCapabilities {
    std::string scope = "local";
    std::string connectivity_scope;  ///< empty: as scope
    bool gateway_alloc_check = false;
    bool host_namespace = false;  ///< containers on it share the host's network namespace (beyond Docker's protocol)
    bool no_interface = false;    ///< containers on it get a namespace with only a loopback (beyond Docker's protocol)
    bool singleton = false;       ///< one network only: further ones are refused (beyond Docker's protocol)
    /// CreateNetwork, CreateEndpoint and ProgramExternalConnectivity of what is there in the same shape are no failure: a driver
    /// that lost its memory is told again what it had (beyond Docker's protocol, whose servers may refuse that).
    bool repeatable = false;
};

struct IpamData {
    std::string address_space;
    std::string pool;
    std::string gateway;
    Options aux_addresses;
};

struct CreateNetwork {
    std::string network_id;
    JsonOptions options;
    std::vector<IpamData> ipv4;
    std::vector<IpamData> ipv6;
};

struct EndpointInterface {
    std::string address;       ///< CIDR
    std::string address_ipv6;  ///< CIDR
    std::string mac_address;
};

struct CreateEndpoint {
    std::string network_id;
    std::string endpoint_id;
    JsonOptions options;
    EndpointInterface interface;
};

struct JoinRequest {
    std::string network_id;
    std::string endpoint_id;
    std::string sandbox_key;  ///< path of the network namespace; dockerd makes it after this call, davit before
    JsonOptions options;
};

struct StaticRoute {
    std::string destination;  ///< CIDR
    int route_type = 0;       ///< 0 via next_hop, 1 on link
    std::string next_hop;
};

struct JoinReply {
    std::string src_name;    ///< the link in the host's namespace that the core moves in; empty: the driver did it
    std::string dst_prefix;  ///< "eth" becomes eth0, eth1, …
    std::string gateway;
    std::string gateway_ipv6;
    std::vector<StaticRoute> static_routes;
    bool disable_gateway_service = false;
};

struct GatewayAllocation {
    bool skip_ipv4 = false;
    bool skip_ipv6 = false;
};

struct Discovery {
    int type = 1;
    std::string data_json = "{}";
};

class NetworkDriver {
  public:
    virtual ~NetworkDriver() = default;
    virtual NetworkCapabilities capabilities() = 0;
    virtual void createNetwork(const CreateNetwork& request) = 0;
    virtual void deleteNetwork(const std::string& network_id) = 0;
    /// Fills only what the request left empty.
    virtual EndpointInterface createEndpoint(const CreateEndpoint& request) = 0;
    /// Name -> JSON text.
    virtual JsonOptions endpointInfo(const std::string& network_id, const std::string& endpoint_id) = 0;
    virtual void deleteEndpoint(const std::string& network_id, const std::string& endpoint_id) = 0;
    virtual JoinReply join(const JoinRequest& request) = 0;
    virtual void leave(const std::string& network_id, const std::string& endpoint_id) = 0;

    // --- optional ---
    virtual GatewayAllocation gatewayAllocCheck(const JsonOptions&) { unimplemented("NetworkDriver.GwAllocCheck"); }
    virtual void programExternalConnectivity(const std::string&, const std::string&, const JsonOptions&) {
        unimplemented("NetworkDriver.ProgramExternalConnectivity");
    }
    virtual void revokeExternalConnectivity(const std::string&, const std::string&) {
        unimplemented("NetworkDriver.RevokeExternalConnectivity");
    }
    /// Changes options of an endpoint while it is joined; `options` are those that change, "" for what is to be as if it had never
    /// been said. Beyond Docker's protocol. Throws Error{invalid} and changes nothing for what can't be changed.
    virtual void updateEndpoint(const std::string&, const std::string&, const JsonOptions&) { unimplemented("NetworkDriver.UpdateEndpoint"); }
    virtual Options allocateNetwork(const CreateNetwork&) { unimplemented("NetworkDriver.AllocateNetwork"); }
    virtual void freeNetwork(const std::string&) { unimplemented("NetworkDriver.FreeNetwork"); }
    virtual void discoverNew(const Discovery&) { unimplemented("NetworkDriver.DiscoverNew"); }
    virtual void discoverDelete(const Discovery&) { unimplemented("NetworkDriver.DiscoverDelete"); }
};

}  // namespace davit
