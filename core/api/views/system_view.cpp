#include "api/views/system_view.hpp"

#include "api/views/common.hpp"

namespace davit::api {
namespace {

using engine::SystemInfo;

void writeCounts(json::Writer& out, const SystemInfo& info) {
    out.member("ID", info.id);
    out.member("Containers", info.containers);
    out.member("ContainersRunning", info.containers_running);
    out.member("ContainersPaused", info.containers_paused);
    out.member("ContainersStopped", info.containers_stopped);
    out.member("Images", info.images);
}

void writeStorage(json::Writer& out, const SystemInfo& info) {
    out.member("Driver", info.driver);
    out.array("DriverStatus", [&] {
        for (const auto& [name, content] : info.driver_status) out.value(std::vector<std::string>{name, content});
    });
    out.object("Plugins", [&] {
        out.member("Volume", info.volume_plugins);
        out.member("Network", info.network_plugins);
        out.key("Authorization").null();
        out.member("Log", info.log_plugins);
    });
}

void writeAbilities(json::Writer& out, const SystemInfo& info) {
    out.member("MemoryLimit", info.memory_limit);
    out.member("SwapLimit", info.swap_limit);
    out.member("KernelMemory", false);
    out.member("KernelMemoryTCP", false);
    out.member("CpuCfsPeriod", info.cpu_cfs_period);
    out.member("CpuCfsQuota", info.cpu_cfs_quota);
    out.member("CPUShares", info.cpu_shares);
    out.member("CPUSet", info.cpu_set);
    out.member("PidsLimit", info.pids_limit);
    out.member("IPv4Forwarding", info.ipv4_forwarding);
    out.member("BridgeNfIptables", false);
    out.member("BridgeNfIp6tables", false);
    out.member("OomKillDisable", info.oom_kill_disable);
    out.member("Debug", info.debug);
}

void writeHost(json::Writer& out, const SystemInfo& info) {
    out.member("NFd", info.n_fd);
    out.member("NGoroutines", info.n_goroutines);
    out.member("SystemTime", formatRfc3339(info.system_time));
    out.member("LoggingDriver", info.logging_driver);
    out.member("CgroupDriver", info.cgroup_driver);
    out.member("CgroupVersion", info.cgroup_version);
    out.member("NEventsListener", info.n_events_listener);
    out.member("KernelVersion", info.kernel_version);
    out.member("OperatingSystem", info.operating_system);
    out.member("OSVersion", info.os_version);
    out.member("OSType", info.os_type);
    out.member("Architecture", info.architecture);
    out.member("IndexServerAddress", "https://index.docker.io/v1/");
    out.object("RegistryConfig", [&] {
        out.member("AllowNondistributableArtifactsCIDRs", std::vector<std::string>());
        out.member("AllowNondistributableArtifactsHostnames", std::vector<std::string>());
        out.member("InsecureRegistryCIDRs", std::vector<std::string>{"127.0.0.0/8", "::1/128"});
        out.object("IndexConfigs", [&] {
            out.object("docker.io", [&] {
                out.member("Name", "docker.io");
                out.member("Mirrors", std::vector<std::string>());
                out.member("Secure", true);
                out.member("Official", true);
            });
        });
        out.member("Mirrors", std::vector<std::string>());
    });
    out.member("NCPU", info.ncpu);
    out.member("MemTotal", info.mem_total);
    out.key("GenericResources").null();
    out.member("DockerRootDir", info.docker_root_dir);
    out.member("HttpProxy", info.http_proxy);
    out.member("HttpsProxy", info.https_proxy);
    out.member("NoProxy", info.no_proxy);
    out.member("Name", info.name);
    out.member("Labels", info.labels);
    out.member("ExperimentalBuild", info.experimental);
    out.member("ServerVersion", info.server_version);
}

void writeCommit(json::Writer& out, std::string_view name, const std::string& id) {
    out.object(name, [&] {
        out.member("ID", id);
        out.member("Expected", id);
    });
}

void writeRuntimes(json::Writer& out, const SystemInfo& info) {
    out.object("Runtimes", [&] {
        for (const engine::RuntimeInfo& runtime : info.runtimes)
            out.object(runtime.name, [&] {
                out.member("path", runtime.path);
                if (!runtime.args.empty()) out.member("runtimeArgs", runtime.args);
            });
    });
    out.member("DefaultRuntime", info.default_runtime);
    out.object("Swarm", [&] {
        out.member("NodeID", "");
        out.member("NodeAddr", "");
        out.member("LocalNodeState", "inactive");
        out.member("ControlAvailable", false);
        out.member("Error", "");
        out.key("RemoteManagers").null();
    });
    out.member("LiveRestoreEnabled", info.live_restore);
    out.member("Isolation", "");
    out.member("InitBinary", info.init_binary);
    // The three programs that dockerd names here are one in davit: the shim, built with the daemon.
    writeCommit(out, "ContainerdCommit", "");
    writeCommit(out, "RuncCommit", info.server_version);
    writeCommit(out, "InitCommit", info.server_version);
    out.member("SecurityOptions", info.security_options);
    if (!info.product_license.empty()) out.member("ProductLicense", info.product_license);
    out.member("CDISpecDirs", std::vector<std::string>());
    writeStringsOrNull(out, "Warnings", info.warnings);
}

}  // namespace

void writeVersion(json::Writer& out, const engine::VersionInfo& version) {
    out.object([&] {
        out.object("Platform", [&] { out.member("Name", "davit"); });
        out.array("Components", [&] {
            for (const auto& component : version.components)
                out.object([&] {
                    out.member("Name", component.name);
                    out.member("Version", component.version);
                    out.member("Details", component.details);
                });
        });
        out.member("Version", version.version);
        out.member("ApiVersion", engine::kApiVersion);
        out.member("MinAPIVersion", engine::kMinApiVersion);
        out.member("GitCommit", version.git_commit);
        out.member("GoVersion", "");
        out.member("Os", version.os);
        out.member("Arch", version.arch);
        out.member("KernelVersion", version.kernel_version);
        out.member("BuildTime", version.build_time);
    });
}

void writeInfo(json::Writer& out, const SystemInfo& info) {
    out.object([&] {
        writeCounts(out, info);
        writeStorage(out, info);
        writeAbilities(out, info);
        writeHost(out, info);
        writeRuntimes(out, info);
    });
}

void writeDrivers(json::Writer& out, const std::vector<plugin::DriverInfo>& drivers) {
    out.array([&] {
        for (const plugin::DriverInfo& driver : drivers)
            out.object([&] {
                out.member("Kind", driver.kind ? plugin::kindName(*driver.kind) : std::string_view());
                out.member("Name", driver.name);
                out.member("Description", driver.description);
                out.member("Plugin", driver.plugin);
                out.member("Version", driver.version);
                out.member("File", driver.file);
                out.member("Transport", driver.transport);
                out.member("Isolation", plugin::isolationName(driver.isolation));
                out.member("State", plugin::stateName(driver.state));
                out.member("Reason", driver.reason);
                out.member("Generation", driver.generation);
            });
    });
}

}  // namespace davit::api
