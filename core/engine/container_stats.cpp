#include "engine/container_stats.hpp"

#include <unistd.h>

#include "base/check.hpp"
#include "base/file.hpp"
#include "engine/core.hpp"
#include "engine/network_modes.hpp"
#include "runtime/spec_builder.hpp"

namespace davit::engine {
namespace {

std::string textOf(const std::string& path) {
    try {
        return readFile(path).value_or("");
    } catch (const Error&) {  // the process ends while it is read
        return {};
    }
}

/// The counters of the container's endpoints, or of those of the container whose network it shares.
std::map<std::string, runtime::InterfaceUsage> networksOf(const EngineCore& core, const Container& container) {
    const std::string_view other = containerOfMode(container.host_config->network_mode);
    const auto sandbox = core.parts.networks.sandboxOf(other.empty() ? container.id : std::string(other));
    if (!sandbox) return {};
    std::map<std::string, runtime::InterfaceUsage> all =
        runtime::parseInterfaces(textOf(fmt::format("/proc/{}/net/dev", container.state.pid)));
    std::map<std::string, runtime::InterfaceUsage> found;
    for (const network::Endpoint& endpoint : sandbox->endpoints)
        if (const auto at = all.find(endpoint.interface_name); at != all.end()) found.insert(*at);
    return found;
}

}  // namespace

ContainerStats ContainerService::stats(const std::string& ref) const {
    const Container container = core_.table.resolve(ref)->snapshot();
    ContainerStats stats;
    stats.id = container.id;
    stats.name = container.name;
    stats.running = container.state.running();
    if (!stats.running) return stats;
    stats.read = now();
    stats.usage = runtime::readUsage(
        linux::hostCgroupLayout(), runtime::cgroupPath(container.id, *container.host_config, core_.options()->cgroup_parent));
    stats.system_cpu = runtime::parseSystemCpu(textOf("/proc/stat"));
    stats.online_cpus = static_cast<unsigned>(::sysconf(_SC_NPROCESSORS_ONLN));
    stats.networks = networksOf(core_, container);
    return stats;
}

}  // namespace davit::engine
