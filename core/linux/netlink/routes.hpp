// What this host already routes: pools for containers stay away from it.
#pragma once

#include <vector>

#include "base/ip.hpp"

namespace davit::linux {

/// The destinations of the routes of this network namespace's main table, without the default routes and, for IPv6, without
/// link-local ones. Throws Error{system} when the kernel can't be asked.
[[nodiscard]] std::vector<IpPrefix> routedPrefixes(IpFamily family);

}  // namespace davit::linux
