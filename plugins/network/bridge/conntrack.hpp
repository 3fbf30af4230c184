// What the kernel remembers of flows of datagrams. It decides by the first datagram where a flow goes, so that a client which
// goes on sending would for ever be led to what was there before.
#pragma once

#include <vector>

#include "port_map.hpp"

namespace davit::bridge {

/// Forgets the flows that these UDP ports of the host have, and those that began at them before they were published. Ports of other
/// protocols are no work. Throws Error{system}.
void forgetFlows(const std::vector<PublishedPort>& ports);

}  // namespace davit::bridge
