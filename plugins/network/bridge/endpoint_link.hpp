// The pair of links that connects a sandbox with a bridge.
#pragma once

#include <string>
#include <vector>

#include "bridge_options.hpp"
#include "endpoint.hpp"

namespace davit::bridge {

/// A kernel setting of the interface: {"ipv4/conf/eth0/log_martians", "1"}.
struct InterfaceSetting {
    std::string name;
    std::string value;
};

/// The option "com.docker.network.endpoint.sysctls" ("net.ipv4.conf.IFNAME.log_martians=1,…") for the interface of that name.
/// Throws Error{invalid} for settings that aren't the interface's own.
[[nodiscard]] std::vector<InterfaceSetting> readSettings(const std::string& option, const std::string& interface);

struct Attachment {
    const Network& network;
    const Endpoint& endpoint;  ///< its `interface` is the name that the link gets in the sandbox
    std::string sandbox;       ///< path of the network namespace
    std::vector<InterfaceSetting> settings;
};

/// Makes the pair, addresses and raises it. When it returns the first packet gets through. Nothing is left of it on failure.
void attach(const Attachment& attachment);

/// Removes the pair, which takes tens of milliseconds. One that isn't there is no error.
void detach(const std::string& host_link);

/// The same for many, in the time of one. Missing ones are no error.
void detachAll(const std::vector<std::string>& host_links);

/// The first name PREFIX0, PREFIX1, … that no link of the sandbox has.
[[nodiscard]] std::string freeInterfaceName(const std::string& sandbox, const std::string& prefix);

}  // namespace davit::bridge
