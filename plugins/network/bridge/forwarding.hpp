// Forwarding: whether this host passes packets on at all.
#pragma once

#include <string>

#include "base/ip.hpp"

namespace davit::bridge {

[[nodiscard]] bool forwards(IpFamily family);
/// For every interface of the host.
void switchForwardingOn(IpFamily family);
/// Another text after every start of the host: settings made before don't count any more.
[[nodiscard]] std::string bootId();

}  // namespace davit::bridge
