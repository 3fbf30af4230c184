// The end of a link that is in a sandbox: its name, addresses and settings.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/ip.hpp"

namespace davit {

/// A kernel setting of the interface: {"ipv4/conf/eth0/log_martians", "1"}.
struct InterfaceSetting {
    std::string name;
    std::string value;
};

/// The option "com.docker.network.endpoint.sysctls" ("net.ipv4.conf.IFNAME.log_martians=1,…") for the interface of that name.
/// Throws Error{invalid} for settings that aren't the interface's own.
[[nodiscard]] std::vector<InterfaceSetting> readSettings(const std::string& option, const std::string& interface);

struct Interface {
    std::string name;
    std::string alias = {};  ///< whose link it is, for people and for finding it again
    std::optional<IpPrefix> ipv4, ipv6;
    std::vector<InterfaceSetting> settings;
};

/// Addresses and raises an interface and the loopback beside it. IPv6 is on only where an address was given out, and what a
/// neighbour announces is never believed. Requires: the calling thread is in the sandbox. Nothing is undone on failure.
void configureInterface(const Interface& interface);

/// True while the sandbox's namespace is there. An engine may make it only after join(): it moves the link there itself then.
[[nodiscard]] bool sandboxLives(const std::string& sandbox);

/// The first name PREFIX0, PREFIX1, … that no link of the sandbox has.
[[nodiscard]] std::string freeInterfaceName(const std::string& sandbox, const std::string& prefix);

}  // namespace davit
