#include "engine/system_service.hpp"

#include <cstdlib>

#include "engine/core.hpp"
#include "engine/create_checks.hpp"
#include "engine/host_info.hpp"
#include "engine/version.hpp"
#include "runtime/spec_builder.hpp"

namespace davit::engine {
namespace {

std::string environment(const char* upper, const char* lower) {
    const char* value = std::getenv(upper);
    if (value == nullptr) value = std::getenv(lower);
    return value == nullptr ? "" : value;
}

void countContainers(const ContainerTable& table, SystemInfo& info) {
    for (const EntryPtr& entry : table.all()) {
        ++info.containers;
        switch (entry->state().status) {
            case Status::running:
            case Status::restarting: ++info.containers_running; break;
            case Status::paused: ++info.containers_paused; break;
            default: ++info.containers_stopped;
        }
    }
}

void describeOptions(const EngineOptions& options, SystemInfo& info) {
    info.debug = options.debug;
    info.docker_root_dir = options.data_root;
    info.labels = options.labels;
    info.live_restore = options.live_restore;
    info.logging_driver = options.log_driver;
    info.isolation = "";
    info.init_binary = options.init.filename();
    info.default_runtime = options.default_runtime.empty() ? std::string(kBuiltinRuntime) : options.default_runtime;
    info.runtimes.push_back({std::string(kBuiltinRuntime), options.shim, {}});
    for (const auto& [name, program] : options.runtimes) info.runtimes.push_back({name, program.path, program.args});
    if (runtime::hostFacts().apparmor) info.security_options.emplace_back("name=apparmor");
    if (runtime::hostFacts().seccomp)
        info.security_options.push_back("name=seccomp,profile=" +
                                        (options.seccomp_profile.empty() ? "builtin" : options.seccomp_profile));
    if (runtime::hostFacts().cgroup_v2) info.security_options.emplace_back("name=cgroupns");
}

}  // namespace

SystemService::SystemService(EngineCore& core) : core_(core) {}

VersionInfo SystemService::version() const {
    VersionInfo version;
    version.version = kVersion;
    version.git_commit = kGitCommit;
    version.build_time = kBuildTime;
    version.arch = hostArchitecture();
    version.kernel_version = kernelVersion();
    version.components.push_back({"Engine",
                                  version.version,
                                  {{"ApiVersion", std::string(kApiVersion)},
                                   {"MinAPIVersion", std::string(kMinApiVersion)},
                                   {"Arch", version.arch},
                                   {"Os", version.os},
                                   {"KernelVersion", version.kernel_version},
                                   {"GitCommit", version.git_commit},
                                   {"BuildTime", version.build_time},
                                   {"GoVersion", "none"},
                                   {"Experimental", "false"}}});
    return version;
}

SystemInfo SystemService::info() const {
    SystemInfo info;
    info.id = core_.daemon_id;
    countContainers(core_.table, info);
    info.images = static_cast<int>(core_.parts.images.count());
    info.driver = core_.parts.storage_driver;
    info.driver_status = core_.parts.layers.driverStatus();
    describeHost(info);
    describeCgroups(info);
    describeOptions(*core_.options(), info);
    for (const plugin::DriverInfo& driver : core_.parts.drivers.list()) {
        if (driver.kind == DriverKind::network) info.network_plugins.push_back(driver.name);
        if (driver.kind == DriverKind::volume) info.volume_plugins.push_back(driver.name);
    }
    info.log_plugins = {"json-file"};
    info.n_events_listener = static_cast<int>(core_.event_log.readers());
    info.server_version = kVersion;
    info.http_proxy = environment("HTTP_PROXY", "http_proxy");
    info.https_proxy = environment("HTTPS_PROXY", "https_proxy");
    info.no_proxy = environment("NO_PROXY", "no_proxy");
    return info;
}

std::vector<plugin::DriverInfo> SystemService::drivers() const { return core_.parts.drivers.list(); }

}  // namespace davit::engine
