// ContainerStats: one sample of what a container uses. A value.
#pragma once

#include <map>
#include <string>

#include "base/clock.hpp"
#include "runtime/usage.hpp"

namespace davit::engine {

struct ContainerStats {
    std::string id;
    std::string name;
    bool running = false;  ///< else the rest is empty
    SystemTime read{};
    runtime::Usage usage;
    std::uint64_t system_cpu = 0;  ///< nanoseconds of all processors of the host
    unsigned online_cpus = 0;
    std::map<std::string, runtime::InterfaceUsage> networks;  ///< of its own interfaces, by name
};

}  // namespace davit::engine
