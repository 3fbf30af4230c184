// StartPlan: from a container's configuration to what its shim gets: files below /etc, mounts, namespaces, spec, log.
#pragma once

#include <string>

#include "engine/container_mounts.hpp"
#include "engine/core.hpp"

namespace davit::engine {

struct StartPlan {
    runtime::StartRequest request;
    NetworkSettings network;
    std::string hostname_path;
    std::string hosts_path;
    std::string resolv_conf_path;
    RunMounts mounts;  ///< to be kept until the program runs
};

/// Makes the sandbox, the files and mount points that a start needs on the host, and has its volumes mounted. When it throws, or
/// the start fails later, endNetwork() and endMounts() give back what it took. Repeatable. Throws Docker's texts for a missing bind
/// source, a network or container to join that isn't there, a runtime that doesn't exist.
[[nodiscard]] StartPlan planStart(EngineCore& core, Container container);

/// The spec that the running container was started from, made again for an exec.
[[nodiscard]] oci::RuntimeSpec specOf(EngineCore& core, const Container& container);

}  // namespace davit::engine
