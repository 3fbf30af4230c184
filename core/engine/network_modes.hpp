// NetworkModes: what HostConfig.NetworkMode means for a start. The networks that a container can name are "host" and "none",
// each backed by whatever driver says it is of that kind, and another container's namespace.
//
// Threads: any.
#pragma once

#include <string>
#include <string_view>

#include "base/thread_annotations.hpp"
#include "engine/container.hpp"
#include "plugin/registry.hpp"

namespace davit::engine {

/// "container:<ref>" → ref; empty for every other mode.
[[nodiscard]] std::string_view containerOfMode(std::string_view mode);

/// The mode that a container created with `mode` gets: "default" and nothing are what the daemon gives by default. As long
/// as there is no bridge that is "none", as in dockerd with its bridge switched off.
[[nodiscard]] std::string defaultNetworkMode(std::string_view mode);

class NetworkModes {
  public:
    explicit NetworkModes(plugin::DriverRegistry& drivers) : drivers_(drivers) {}

    /// A network that exists, as the container sees it.
    struct Network {
        std::string id;
        std::string driver;
        bool host_namespace = false;
    };
    /// Throws Error{not_found} "network x not found".
    [[nodiscard]] Network find(const std::string& name) DAVIT_EXCLUDES(mutex_);

  private:
    [[nodiscard]] std::string driverOf(bool host_namespace) DAVIT_EXCLUDES(mutex_);
    plugin::DriverRegistry& drivers_;
    Mutex mutex_;
    std::string host_driver_ DAVIT_GUARDED_BY(mutex_);
    std::string none_driver_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::engine
