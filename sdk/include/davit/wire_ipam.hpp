// IpamDriver.*: the messages of the IPAM kind. Its servers say "Error" where the other kinds say "Err".
#pragma once

#include "davit/wire.hpp"
#include "driver/ipam_driver.hpp"

namespace davit::wire {

struct PoolIdRequest {
    std::string pool_id;
};
struct ReleaseAddressRequest {
    std::string pool_id;
    std::string address;
};

template <class A>
void members(A& a, Ref<A, IpamCapabilities> c) {
    a("RequiresMACAddress", c.requires_mac_address);
    a("RequiresRequestReplay", c.requires_request_replay);
}
template <class A>
void members(A& a, Ref<A, AddressSpaces> s) {
    a("LocalDefaultAddressSpace", s.local);
    a("GlobalDefaultAddressSpace", s.global);
}
template <class A>
void members(A& a, Ref<A, PoolRequest> r) {
    a("AddressSpace", r.address_space);
    a("Pool", r.pool);
    a("SubPool", r.sub_pool);
    a("Options", r.options);
    a("V6", r.v6);
}
template <class A>
void members(A& a, Ref<A, Pool> p) {
    a("PoolID", p.id);
    a("Pool", p.pool);
    a("Data", p.data);
}
template <class A>
void members(A& a, Ref<A, AddressRequest> r) {
    a("PoolID", r.pool_id);
    a("Address", r.address);
    a("Options", r.options);
}
template <class A>
void members(A& a, Ref<A, Address> r) {
    a("Address", r.address);
    a("Data", r.data);
}
template <class A>
void members(A& a, Ref<A, PoolIdRequest> r) {
    a("PoolID", r.pool_id);
}
template <class A>
void members(A& a, Ref<A, ReleaseAddressRequest> r) {
    a("PoolID", r.pool_id);
    a("Address", r.address);
}

/// The wire names, once for both sides.
namespace ipam {
inline constexpr Method<Nothing, IpamCapabilities> kCapabilities{"IpamDriver.GetCapabilities"};
inline constexpr Method<Nothing, AddressSpaces> kAddressSpaces{"IpamDriver.GetDefaultAddressSpaces"};
inline constexpr Method<PoolRequest, Pool> kRequestPool{"IpamDriver.RequestPool"};
inline constexpr Method<PoolIdRequest, Nothing> kReleasePool{"IpamDriver.ReleasePool"};
inline constexpr Method<AddressRequest, Address> kRequestAddress{"IpamDriver.RequestAddress"};
inline constexpr Method<ReleaseAddressRequest, Nothing> kReleaseAddress{"IpamDriver.ReleaseAddress"};
}  // namespace ipam

}  // namespace davit::wire
