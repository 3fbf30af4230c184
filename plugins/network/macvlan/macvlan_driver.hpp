// The network driver "macvlan": each endpoint is a link with a MAC address of its own on a link of the host.
//
// Options: "parent" (none: the network leads nowhere), "macvlan_mode" bridge (default), private, vepa or passthru,
// "davit.host_access", "com.docker.network.driver.mtu". See docs/networks.md.
#pragma once

#include "parent_link/parent_link_driver.hpp"

namespace davit {

[[nodiscard]] const parent_link::Kind& macvlanKind();

class MacvlanDriver final : public parent_link::ParentLinkDriver {
  public:
    static constexpr const char* kName = "macvlan";
    static constexpr const char* kDescription = "links with addresses of their own on a link of this host";
    explicit MacvlanDriver(const DriverContext& context) : ParentLinkDriver(context, macvlanKind()) {}
};

}  // namespace davit
