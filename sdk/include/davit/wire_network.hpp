// NetworkDriver.*: the messages of the network kind, libnetwork's remote driver protocol.
#pragma once

#include "davit/wire.hpp"
#include "driver/network_driver.hpp"

namespace davit::wire {

/// Everything that names an endpoint, a network or both, with options.
struct EndpointRequest {
    std::string network_id;
    std::string endpoint_id;
    JsonOptions options;
};
struct NetworkRequest {
    std::string network_id;
};
struct OptionsRequest {
    JsonOptions options;
};
struct InterfaceReply {
    EndpointInterface interface;
};
struct ValueReply {
    JsonOptions value;
};
struct OptionsReply {
    Options options;
};

template <class A>
void members(A& a, Ref<A, NetworkCapabilities> c) {
    a("Scope", c.scope);
    a.optional("ConnectivityScope", c.connectivity_scope);
    a.optional("GwAllocChecker", c.gateway_alloc_check);
    a.optional("HostNamespace", c.host_namespace);
    a.optional("NoInterface", c.no_interface);
    a.optional("Singleton", c.singleton);
    a.optional("Repeatable", c.repeatable);
}
template <class A>
void members(A& a, Ref<A, IpamData> d) {
    a("AddressSpace", d.address_space);
    a("Pool", d.pool);
    a.optional("Gateway", d.gateway);
    a("AuxAddresses", d.aux_addresses);
}
template <class A>
void members(A& a, Ref<A, CreateNetwork> r) {
    a("NetworkID", r.network_id);
    a.jsonMap("Options", r.options);
    a("IPv4Data", r.ipv4);
    a("IPv6Data", r.ipv6);
}
template <class A>
void members(A& a, Ref<A, EndpointInterface> i) {
    a("Address", i.address);
    a("AddressIPv6", i.address_ipv6);
    a("MacAddress", i.mac_address);
}
template <class A>
void members(A& a, Ref<A, CreateEndpoint> r) {
    a("NetworkID", r.network_id);
    a("EndpointID", r.endpoint_id);
    a("Interface", r.interface);
    a.jsonMap("Options", r.options);
}
template <class A>
void members(A& a, Ref<A, JoinRequest> r) {
    a("NetworkID", r.network_id);
    a("EndpointID", r.endpoint_id);
    a("SandboxKey", r.sandbox_key);
    a.jsonMap("Options", r.options);
}
template <class A>
void members(A& a, Ref<A, StaticRoute> r) {
    a("Destination", r.destination);
    a("RouteType", r.route_type);
    a("NextHop", r.next_hop);
}
template <class A>
void members(A& a, Ref<A, JoinReply> r) {
    a.object("InterfaceName", [&r](auto& name) {
        name("SrcName", r.src_name);
        name("DstPrefix", r.dst_prefix);
    });
    a("Gateway", r.gateway);
    a("GatewayIPv6", r.gateway_ipv6);
    a("StaticRoutes", r.static_routes);
    a("DisableGatewayService", r.disable_gateway_service);
}
template <class A>
void members(A& a, Ref<A, GatewayAllocation> g) {
    a("SkipIPv4", g.skip_ipv4);
    a("SkipIPv6", g.skip_ipv6);
}
template <class A>
void members(A& a, Ref<A, Discovery> d) {
    a("DiscoveryType", d.type);
    a.json("DiscoveryData", d.data_json);
}
template <class A>
void members(A& a, Ref<A, EndpointRequest> r) {
    a("NetworkID", r.network_id);
    a("EndpointID", r.endpoint_id);
    if constexpr (A::kReading)
        a.jsonMap("Options", r.options);
    else if (!r.options.empty())
        a.jsonMap("Options", r.options);
}
template <class A>
void members(A& a, Ref<A, NetworkRequest> r) {
    a("NetworkID", r.network_id);
}
template <class A>
void members(A& a, Ref<A, OptionsRequest> r) {
    a.jsonMap("Options", r.options);
}
/// Addresses that the driver leaves alone are absent: an empty one would look like a refusal to some engines.
template <class A>
void members(A& a, Ref<A, InterfaceReply> r) {
    a.object("Interface", [&r](auto& nested) {
        nested.optional("Address", r.interface.address);
        nested.optional("AddressIPv6", r.interface.address_ipv6);
        nested.optional("MacAddress", r.interface.mac_address);
    });
}
template <class A>
void members(A& a, Ref<A, ValueReply> r) {
    a.jsonMap("Value", r.value);
}
template <class A>
void members(A& a, Ref<A, OptionsReply> r) {
    a("Options", r.options);
}

/// The wire names, once for both sides.
namespace network {
inline constexpr Method<Nothing, NetworkCapabilities> kCapabilities{"NetworkDriver.GetCapabilities"};
inline constexpr Method<OptionsRequest, GatewayAllocation> kGatewayAllocCheck{"NetworkDriver.GwAllocCheck"};
inline constexpr Method<CreateNetwork, OptionsReply> kAllocateNetwork{"NetworkDriver.AllocateNetwork"};
inline constexpr Method<NetworkRequest, Nothing> kFreeNetwork{"NetworkDriver.FreeNetwork"};
inline constexpr Method<CreateNetwork, Nothing> kCreateNetwork{"NetworkDriver.CreateNetwork"};
inline constexpr Method<NetworkRequest, Nothing> kDeleteNetwork{"NetworkDriver.DeleteNetwork"};
inline constexpr Method<CreateEndpoint, InterfaceReply> kCreateEndpoint{"NetworkDriver.CreateEndpoint"};
inline constexpr Method<EndpointRequest, ValueReply> kEndpointInfo{"NetworkDriver.EndpointOperInfo"};
inline constexpr Method<EndpointRequest, Nothing> kDeleteEndpoint{"NetworkDriver.DeleteEndpoint"};
inline constexpr Method<JoinRequest, JoinReply> kJoin{"NetworkDriver.Join"};
inline constexpr Method<EndpointRequest, Nothing> kLeave{"NetworkDriver.Leave"};
inline constexpr Method<EndpointRequest, Nothing> kProgram{"NetworkDriver.ProgramExternalConnectivity"};
inline constexpr Method<EndpointRequest, Nothing> kRevoke{"NetworkDriver.RevokeExternalConnectivity"};
inline constexpr Method<EndpointRequest, Nothing> kUpdateEndpoint{"NetworkDriver.UpdateEndpoint"};
inline constexpr Method<Discovery, Nothing> kDiscoverNew{"NetworkDriver.DiscoverNew"};
inline constexpr Method<Discovery, Nothing> kDiscoverDelete{"NetworkDriver.DiscoverDelete"};
}  // namespace network

}  // namespace davit::wire
