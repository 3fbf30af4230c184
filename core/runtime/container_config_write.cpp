#include "runtime/container_config_json.hpp"

namespace davit::runtime {
namespace {

// Go writes nil as null and an empty list as []. Only an optional tells the two apart; for the others nil is usual.
void strings(json::Writer& out, std::string_view name, const Strings& values) {
    out.key(name);
    values.empty() ? out.null() : out.value(values);
}
void strings(json::Writer& out, std::string_view name, const std::optional<Strings>& values) {
    out.key(name);
    values ? out.value(*values) : out.null();
}

void setOf(json::Writer& out, std::string_view name, const std::set<std::string>& names) {
    out.object(name, [&] {
        for (const std::string& item : names) out.object(item, [] {});
    });
}

template <typename T>
void optional(json::Writer& out, std::string_view name, const std::optional<T>& value) {
    out.key(name);
    value ? out.value(*value) : out.null();
}

template <typename Element, typename Write>
void list(json::Writer& out, std::string_view name, const std::vector<Element>& elements, Write write_element) {
    out.key(name);
    if (elements.empty()) {
        out.null();
        return;
    }
    out.array([&] {
        for (const Element& element : elements) out.object([&] { write_element(element); });
    });
}

void throttles(json::Writer& out, std::string_view name, const std::vector<ThrottleDevice>& devices) {
    list(out, name, devices, [&](const ThrottleDevice& d) { out.member("Path", d.path).member("Rate", d.rate); });
}

void bindOptions(json::Writer& out, const BindOptions& options) {
    if (!options.propagation.empty()) out.member("Propagation", options.propagation);
    if (options.non_recursive) out.member("NonRecursive", true);
    if (options.create_mountpoint) out.member("CreateMountpoint", true);
    if (options.read_only_non_recursive) out.member("ReadOnlyNonRecursive", true);
    if (options.read_only_force_recursive) out.member("ReadOnlyForceRecursive", true);
}

void volumeOptions(json::Writer& out, const VolumeOptions& options) {
    if (options.no_copy) out.member("NoCopy", true);
    if (!options.labels.empty()) out.member("Labels", options.labels);
    if (!options.subpath.empty()) out.member("Subpath", options.subpath);
    if (options.driver_config)
        out.object("DriverConfig", [&] {
            if (!options.driver_config->name.empty()) out.member("Name", options.driver_config->name);
            if (!options.driver_config->options.empty()) out.member("Options", options.driver_config->options);
        });
}

void tmpfsOptions(json::Writer& out, const TmpfsOptions& options) {
    if (options.size_bytes != 0) out.member("SizeBytes", options.size_bytes);
    if (options.mode != 0) out.member("Mode", options.mode);
    if (options.options.empty()) return;
    out.array("Options", [&] {
        for (const Strings& option : options.options) out.value(option);
    });
}

void cpuAndMemory(json::Writer& out, const Resources& r) {
    out.member("CpuShares", r.cpu_shares).member("Memory", r.memory).member("NanoCpus", r.nano_cpus);
    out.member("CgroupParent", r.cgroup_parent);
    out.member("CpuPeriod", r.cpu_period).member("CpuQuota", r.cpu_quota);
    out.member("CpuRealtimePeriod", r.cpu_realtime_period).member("CpuRealtimeRuntime", r.cpu_realtime_runtime);
    out.member("CpusetCpus", r.cpuset_cpus).member("CpusetMems", r.cpuset_mems);
    if (r.kernel_memory_tcp != 0) out.member("KernelMemoryTCP", r.kernel_memory_tcp);
    out.member("MemoryReservation", r.memory_reservation).member("MemorySwap", r.memory_swap);
    optional(out, "MemorySwappiness", r.memory_swappiness);
    optional(out, "OomKillDisable", r.oom_kill_disable);
    optional(out, "PidsLimit", r.pids_limit);
    out.member("CpuCount", r.cpu_count).member("CpuPercent", r.cpu_percent);
}

void blockIo(json::Writer& out, const Resources& r) {
    out.member("BlkioWeight", r.blkio_weight);
    list(out, "BlkioWeightDevice", r.blkio_weight_device,
         [&](const WeightDevice& d) { out.member("Path", d.path).member("Weight", d.weight); });
    throttles(out, "BlkioDeviceReadBps", r.blkio_device_read_bps);
    throttles(out, "BlkioDeviceWriteBps", r.blkio_device_write_bps);
    throttles(out, "BlkioDeviceReadIOps", r.blkio_device_read_iops);
    throttles(out, "BlkioDeviceWriteIOps", r.blkio_device_write_iops);
    out.member("IOMaximumIOps", r.io_maximum_iops).member("IOMaximumBandwidth", r.io_maximum_bandwidth);
}

void devices(json::Writer& out, const Resources& r) {
    list(out, "Devices", r.devices, [&](const DeviceMapping& d) {
        out.member("PathOnHost", d.path_on_host).member("PathInContainer", d.path_in_container);
        out.member("CgroupPermissions", d.cgroup_permissions);
    });
    strings(out, "DeviceCgroupRules", r.device_cgroup_rules);
    list(out, "DeviceRequests", r.device_requests, [&](const DeviceRequest& d) {
        out.member("Driver", d.driver).member("Count", d.count);
        strings(out, "DeviceIDs", d.device_ids);
        out.array("Capabilities", [&] {
            for (const Strings& set : d.capabilities) out.value(set);
        });
        out.member("Options", d.options);
    });
    list(out, "Ulimits", r.ulimits, [&](const Ulimit& u) {
        out.member("Name", u.name).member("Hard", u.hard).member("Soft", u.soft);
    });
}

void ports(json::Writer& out, const HostConfig& host) {
    out.object("PortBindings", [&] {
        for (const auto& [port, bindings] : host.port_bindings)
            list(out, port, bindings, [&](const PortBinding& binding) {
                out.member("HostIp", binding.host_ip).member("HostPort", binding.host_port);
            });
    });
}

void namespaces(json::Writer& out, const HostConfig& host) {
    out.member("NetworkMode", host.network_mode).member("CgroupnsMode", host.cgroupns_mode);
    out.member("IpcMode", host.ipc_mode).member("Cgroup", host.cgroup).member("PidMode", host.pid_mode);
    out.member("UTSMode", host.uts_mode).member("UsernsMode", host.userns_mode).member("Isolation", host.isolation);
}

void security(json::Writer& out, const HostConfig& host) {
    strings(out, "CapAdd", host.cap_add);
    strings(out, "CapDrop", host.cap_drop);
    strings(out, "GroupAdd", host.group_add);
    out.member("OomScoreAdj", host.oom_score_adj).member("Privileged", host.privileged);
    out.member("ReadonlyRootfs", host.readonly_rootfs);
    strings(out, "SecurityOpt", host.security_opt);
    if (!host.sysctls.empty()) out.member("Sysctls", host.sysctls);
    strings(out, "MaskedPaths", host.masked_paths);
    strings(out, "ReadonlyPaths", host.readonly_paths);
}

void storage(json::Writer& out, const HostConfig& host) {
    strings(out, "Binds", host.binds);
    out.member("VolumeDriver", host.volume_driver);
    strings(out, "VolumesFrom", host.volumes_from);
    if (!host.mounts.empty())
        out.array("Mounts", [&] {
            for (const Mount& mount : host.mounts) write(out, mount);
        });
    if (!host.storage_opt.empty()) out.member("StorageOpt", host.storage_opt);
    if (!host.tmpfs.empty()) out.member("Tmpfs", host.tmpfs);
    out.member("ShmSize", host.shm_size);
}

// Docker writes these two even when nil as empty lists.
void names(json::Writer& out, const HostConfig& host) {
    out.member("Dns", host.dns).member("DnsOptions", host.dns_options).member("DnsSearch", host.dns_search);
    strings(out, "ExtraHosts", host.extra_hosts);
    strings(out, "Links", host.links);
    out.member("PublishAllPorts", host.publish_all_ports);
}

}  // namespace

void write(json::Writer& out, const HealthConfig& config) {
    out.object([&] {
        if (!config.test.empty()) out.member("Test", config.test);
        if (config.interval != 0) out.member("Interval", config.interval);
        if (config.timeout != 0) out.member("Timeout", config.timeout);
        if (config.start_period != 0) out.member("StartPeriod", config.start_period);
        if (config.start_interval != 0) out.member("StartInterval", config.start_interval);
        if (config.retries != 0) out.member("Retries", config.retries);
    });
}

void write(json::Writer& out, const Mount& mount) {
    out.object([&] {
        out.member("Type", mount.type);
        if (!mount.source.empty()) out.member("Source", mount.source);
        out.member("Target", mount.target);
        if (mount.read_only) out.member("ReadOnly", true);
        if (!mount.consistency.empty()) out.member("Consistency", mount.consistency);
        if (mount.bind_options) out.object("BindOptions", [&] { bindOptions(out, *mount.bind_options); });
        if (mount.volume_options) out.object("VolumeOptions", [&] { volumeOptions(out, *mount.volume_options); });
        if (mount.image_options)
            out.object("ImageOptions", [&] { out.member("Subpath", mount.image_options->subpath); });
        if (mount.tmpfs_options) out.object("TmpfsOptions", [&] { tmpfsOptions(out, *mount.tmpfs_options); });
    });
}

void write(json::Writer& out, const ContainerConfig& config) {
    out.object([&] {
        out.member("Hostname", config.hostname).member("Domainname", config.domainname).member("User", config.user);
        out.member("AttachStdin", config.attach_stdin).member("AttachStdout", config.attach_stdout);
        out.member("AttachStderr", config.attach_stderr);
        if (!config.exposed_ports.empty()) setOf(out, "ExposedPorts", config.exposed_ports);
        out.member("Tty", config.tty).member("OpenStdin", config.open_stdin).member("StdinOnce", config.stdin_once);
        out.member("Env", config.env);
        strings(out, "Cmd", config.cmd);
        if (config.healthcheck) {
            out.key("Healthcheck");
            write(out, *config.healthcheck);
        }
        if (config.args_escaped) out.member("ArgsEscaped", true);
        out.member("Image", config.image);
        out.key("Volumes");
        if (config.volumes.empty())
            out.null();
        else
            out.object([&] {
                for (const std::string& path : config.volumes) out.object(path, [] {});
            });
        out.member("WorkingDir", config.working_dir);
        strings(out, "Entrypoint", config.entrypoint);
        if (config.network_disabled) out.member("NetworkDisabled", true);
        if (!config.mac_address.empty()) out.member("MacAddress", config.mac_address);
        strings(out, "OnBuild", config.on_build);
        out.member("Labels", config.labels);
        if (!config.stop_signal.empty()) out.member("StopSignal", config.stop_signal);
        if (config.stop_timeout) out.member("StopTimeout", *config.stop_timeout);
        if (!config.shell.empty()) out.member("Shell", config.shell);
    });
}

void write(json::Writer& out, const HostConfig& host) {
    out.object([&] {
        storage(out, host);
        out.member("ContainerIDFile", host.container_id_file);
        out.object("LogConfig", [&] {
            out.member("Type", host.log_config.type).member("Config", host.log_config.config);
        });
        namespaces(out, host);
        ports(out, host);
        out.object("RestartPolicy", [&] {
            out.member("Name", host.restart_policy.name);
            out.member("MaximumRetryCount", host.restart_policy.maximum_retry_count);
        });
        out.member("AutoRemove", host.auto_remove);
        out.array("ConsoleSize", [&] {
            for (const std::uint32_t size : host.console_size) out.value(size);
        });
        if (!host.annotations.empty()) out.member("Annotations", host.annotations);
        names(out, host);
        security(out, host);
        if (!host.runtime.empty()) out.member("Runtime", host.runtime);
        cpuAndMemory(out, host);
        blockIo(out, host);
        devices(out, host);
        if (host.init) out.member("Init", *host.init);
    });
}

std::string toJson(const ContainerConfig& config) {
    json::Writer out;
    write(out, config);
    return out.take();
}

std::string toJson(const HostConfig& config) {
    json::Writer out;
    write(out, config);
    return out.take();
}

}  // namespace davit::runtime
