// The network driver "ipvlan": each endpoint is a link with the MAC address of a link of the host and IP addresses of its own.
//
// Options: "parent" (none: the network leads nowhere), "ipvlan_mode" l2 (default), l3 or l3s, "ipvlan_flag" bridge (default), private or
// vepa, "davit.host_access", "com.docker.network.driver.mtu". See docs/networks.md.
#pragma once

#include "parent_link/parent_link_driver.hpp"

namespace davit {

[[nodiscard]] const parent_link::Kind& ipvlanKind();

class IpvlanDriver final : public parent_link::ParentLinkDriver {
  public:
    static constexpr const char* kName = "ipvlan";
    static constexpr const char* kDescription = "links with IP addresses of their own on a link of this host";
    explicit IpvlanDriver(const DriverContext& context) : ParentLinkDriver(context, ipvlanKind()) {}
};

}  // namespace davit
