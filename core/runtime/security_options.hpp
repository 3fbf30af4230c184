// HostConfig.SecurityOpt as values.
#pragma once

#include <optional>
#include <string>

#include "runtime/container_config.hpp"

namespace davit::runtime {

struct SecurityOptions {
    std::optional<bool> no_new_privileges;  ///< absent: the daemon's default
    std::string seccomp;                    ///< "": the daemon's default; "unconfined", "builtin", or a profile's JSON text
    std::string apparmor;                   ///< "": default; "unconfined", or a profile's name
    Strings labels;                         ///< SELinux: accepted, without effect on hosts that lack it
    bool system_paths_unconfined = false;   ///< neither masked nor read-only paths
    bool writable_cgroups = false;
};

/// Throws Error{invalid} `invalid --security-opt 1: "x"` (no key=value) or `… 2: "x=y"` (unknown key or value).
[[nodiscard]] SecurityOptions parseSecurityOptions(const Strings& options);

}  // namespace davit::runtime
