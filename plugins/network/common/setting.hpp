// Kernel settings below /proc/sys/net of the network namespace of the calling thread.
#pragma once

#include <optional>
#include <string>

namespace davit {

/// `name` is the path below /proc/sys/net: "ipv4/conf/br0/route_localnet". Missing: false, as when the kernel has no IPv6.
/// Other failures are Error::system.
bool writeSetting(const std::string& name, const std::string& value);
[[nodiscard]] std::optional<std::string> readSetting(const std::string& name);

}  // namespace davit
