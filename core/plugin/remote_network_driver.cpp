#include "plugin/remote_network_driver.hpp"

#include "base/defer.hpp"
#include "davit/wire_network.hpp"

namespace davit::plugin {
namespace {

namespace m = wire::network;

// libnetwork's rule: a driver fills only what the request left open.
void merge(std::string_view what, const std::string& asked, std::string& answered) {
    if (!asked.empty() && !answered.empty() && asked != answered)
        throw Error(Code::invalid, std::string(m::kCreateEndpoint.name) + ": the driver replaced the " +
                                       std::string(what) + " " + asked + " by " + answered);
    if (answered.empty()) answered = asked;
}

}  // namespace

NetworkCapabilities RemoteNetworkDriver::capabilities() {
    NetworkCapabilities result = caller_.ask(m::kCapabilities, {});
    if (result.scope != "local" && result.scope != "global")
        throw Error(Code::invalid, std::string(m::kCapabilities.name) + ": unknown scope \"" + result.scope + "\"");
    if (result.connectivity_scope.empty()) result.connectivity_scope = result.scope;
    return result;
}
void RemoteNetworkDriver::createNetwork(const CreateNetwork& request) { caller_.ask(m::kCreateNetwork, request); }
void RemoteNetworkDriver::deleteNetwork(const std::string& network_id) { caller_.ask(m::kDeleteNetwork, {network_id}); }

EndpointInterface RemoteNetworkDriver::createEndpoint(const CreateEndpoint& request) {
    EndpointInterface result = caller_.ask(m::kCreateEndpoint, request).interface;
    // It made the endpoint, whatever it says of it.
    Defer remove([&] { deleteEndpoint(request.network_id, request.endpoint_id); });
    merge("address", request.interface.address, result.address);
    merge("IPv6 address", request.interface.address_ipv6, result.address_ipv6);
    merge("MAC address", request.interface.mac_address, result.mac_address);
    remove.dismiss();
    return result;
}

JsonOptions RemoteNetworkDriver::endpointInfo(const std::string& network_id, const std::string& endpoint_id) {
    return caller_.ask(m::kEndpointInfo, {network_id, endpoint_id, {}}).value;
}
void RemoteNetworkDriver::deleteEndpoint(const std::string& network_id, const std::string& endpoint_id) {
    caller_.ask(m::kDeleteEndpoint, {network_id, endpoint_id, {}});
}
JoinReply RemoteNetworkDriver::join(const JoinRequest& request) { return caller_.ask(m::kJoin, request); }
void RemoteNetworkDriver::leave(const std::string& network_id, const std::string& endpoint_id) {
    caller_.ask(m::kLeave, {network_id, endpoint_id, {}});
}
GatewayAllocation RemoteNetworkDriver::gatewayAllocCheck(const JsonOptions& options) {
    return caller_.ask(m::kGatewayAllocCheck, {options});
}
void RemoteNetworkDriver::programExternalConnectivity(const std::string& network_id, const std::string& endpoint_id,
                                                      const JsonOptions& options) {
    caller_.ask(m::kProgram, {network_id, endpoint_id, options});
}
void RemoteNetworkDriver::revokeExternalConnectivity(const std::string& network_id, const std::string& endpoint_id) {
    caller_.ask(m::kRevoke, {network_id, endpoint_id, {}});
}
void RemoteNetworkDriver::updateEndpoint(const std::string& network_id, const std::string& endpoint_id, const JsonOptions& options) {
    caller_.ask(m::kUpdateEndpoint, {network_id, endpoint_id, options});
}
Options RemoteNetworkDriver::allocateNetwork(const CreateNetwork& request) {
    return caller_.ask(m::kAllocateNetwork, request).options;
}
void RemoteNetworkDriver::freeNetwork(const std::string& network_id) { caller_.ask(m::kFreeNetwork, {network_id}); }
void RemoteNetworkDriver::discoverNew(const Discovery& discovery) { caller_.ask(m::kDiscoverNew, discovery); }
void RemoteNetworkDriver::discoverDelete(const Discovery& discovery) { caller_.ask(m::kDiscoverDelete, discovery); }

}  // namespace davit::plugin
