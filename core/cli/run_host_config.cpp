#include "cli/run_host_config.hpp"

#include <algorithm>
#include <cctype>
#include <set>

#include "base/check.hpp"
#include "base/file.hpp"
#include "cli/run_json.hpp"
#include "cli/run_network.hpp"

namespace davit::cli {
namespace {

using Texts = std::vector<std::string>;

RestartPolicy restartPolicy(const RunOptions& o) {
    RestartPolicy policy = parseRestartPolicy(o.restart);
    if (o.auto_remove && policy.name != "no" && !policy.name.empty())
        throw Error(Code::invalid, "conflicting options: cannot specify both --restart and --rm");
    return policy;
}

struct SecurityOptions {
    Texts options;
    bool system_paths_open = false;
};

SecurityOptions securityOptions(const RunOptions& o) {
    SecurityOptions out;
    for (const std::string& option : o.security_opts) {
        if (option.find_first_of("=:") == std::string::npos && option != "no-new-privileges")
            throw error(Code::invalid, "Invalid --security-opt: \"{}\"", option);
        const auto [name, value] = cut(option, option.find('=') != std::string::npos ? '=' : ':');
        if (option == "systempaths=unconfined") {
            out.system_paths_open = true;
        } else if (name == "seccomp" && value && *value != "unconfined" && *value != "builtin") {
            const std::optional<std::string> profile = readFile(*value, std::size_t{16} << 20);
            if (!profile)
                throw error(Code::invalid, "opening seccomp profile ({0}) failed: open {0}: no such file or directory",
                            *value);
            try {
                out.options.push_back("seccomp=" + json::Document::parse(*profile).root().text());
            } catch (const Error& failure) {
                throw error(Code::invalid, "compacting json for seccomp profile ({}) failed: {}", *value,
                            failure.text());
            }
        } else {
            out.options.push_back(option);
        }
    }
    return out;
}

std::string capabilityName(std::string name) {
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return name == "ALL" || name == "RESET" || name.starts_with("CAP_") ? name : "CAP_" + name;
}

void writeCapabilities(json::Writer& out, const RunOptions& o) {
    std::set<std::string> add;
    std::set<std::string> drop;
    for (const std::string& name : o.cap_add) add.insert(capabilityName(name));
    for (const std::string& name : o.cap_drop) drop.insert(capabilityName(name));
    if (add.contains("ALL")) add = {"ALL"};
    if (drop.contains("ALL")) drop = {"ALL"};
    for (const std::string& name : add) drop.erase(name);  // adding wins
    textsOrNull(out, "CapAdd", {add.begin(), add.end()});
    textsOrNull(out, "CapDrop", {drop.begin(), drop.end()});
}

void writeRates(json::Writer& out, std::string_view name, const std::vector<DeviceRate>& rates,
                std::string_view value = "Rate") {
    out.array(name, [&] {
        for (const DeviceRate& rate : rates)
            out.object([&] { out.member("Path", rate.path).member(value, rate.rate); });
    });
}

void writeDevices(json::Writer& out, const RunOptions& o) {
    Texts cdi;
    out.array("Devices", [&] {
        for (const std::string& text : o.devices) {
            if (isCdiDevice(text)) {
                cdi.push_back(text);
                continue;
            }
            const DeviceRequest device = parseDevice(text);
            out.object([&] {
                out.member("PathOnHost", device.host_path).member("PathInContainer", device.container_path);
                out.member("CgroupPermissions", device.permissions);
            });
        }
    });
    textsOrNull(out, "DeviceCgroupRules", o.device_cgroup_rules);
    if (o.gpus.empty() && cdi.empty()) {
        out.key("DeviceRequests").null();
        return;
    }
    out.array("DeviceRequests", [&] {
        for (const GpuRequest& gpu : o.gpus)
            out.object([&] {
                out.member("Driver", gpu.driver).member("Count", gpu.count);
                textsOrNull(out, "DeviceIDs", gpu.device_ids);
                out.array("Capabilities", [&] { out.value(gpu.capabilities); }).member("Options", gpu.options);
            });
        if (cdi.empty()) return;
        out.object([&] {
            out.member("Driver", "cdi").member("Count", 0).member("DeviceIDs", cdi);
            out.key("Capabilities").null().key("Options").null();
        });
    });
}

void writeMount(json::Writer& out, const MountRequest& m) {
    const auto text = [&](std::string_view name, const std::string& value) {
        if (!value.empty()) out.member(name, value);
    };
    const auto flag = [&](std::string_view name, bool value) {
        if (value) out.member(name, true);
    };
    text("Type", m.type);
    text("Source", m.source);
    text("Target", m.target);
    flag("ReadOnly", m.read_only);
    text("Consistency", m.consistency);
    if (m.has_bind_options)
        out.object("BindOptions", [&] {
            text("Propagation", m.propagation);
            flag("NonRecursive", m.non_recursive);
            flag("ReadOnlyNonRecursive", m.read_only_non_recursive);
            flag("ReadOnlyForceRecursive", m.read_only_force_recursive);
        });
    if (m.has_volume_options)
        out.object("VolumeOptions", [&] {
            flag("NoCopy", m.no_copy);
            if (!m.volume_labels.empty()) out.member("Labels", m.volume_labels);
            text("Subpath", m.volume_subpath);
            if (m.volume_driver.empty() && m.volume_options.empty()) return;
            out.object("DriverConfig", [&] {
                text("Name", m.volume_driver);
                if (!m.volume_options.empty()) out.member("Options", m.volume_options);
            });
        });
    if (m.has_image_options) out.object("ImageOptions", [&] { text("Subpath", m.image_subpath); });
    if (m.has_tmpfs_options)
        out.object("TmpfsOptions", [&] {
            if (m.tmpfs_size != 0) out.member("SizeBytes", m.tmpfs_size);
            if (m.tmpfs_mode != 0) out.member("Mode", m.tmpfs_mode);
        });
}

void writeMounts(json::Writer& out, const RunOptions& o, const RequestFacts& facts) {
    std::vector<MountRequest> mounts = o.mounts;
    if (o.use_api_socket) {
        if (facts.api_socket.empty())
            throw Error(Code::invalid, "flag --use-api-socket can only be used with unix sockets");
        MountRequest socket;
        socket.type = "bind";
        socket.source = facts.api_socket;
        socket.target = "/var/run/docker.sock";
        socket.has_bind_options = true;
        mounts.push_back(socket);
    }
    if (mounts.empty()) return;
    out.array("Mounts", [&] {
        for (const MountRequest& mount : mounts) out.object([&] { writeMount(out, mount); });
    });
}

void writeResources(json::Writer& out, const RunOptions& o) {
    out.member("CpuShares", o.cpu_shares);
    out.member("Memory", o.memory);
    out.member("NanoCpus", o.nano_cpus);
    out.member("CgroupParent", o.cgroup_parent).member("BlkioWeight", o.blkio_weight);
    writeRates(out, "BlkioWeightDevice", o.blkio_weight_device, "Weight");
    writeRates(out, "BlkioDeviceReadBps", o.read_bps);
    writeRates(out, "BlkioDeviceWriteBps", o.write_bps);
    writeRates(out, "BlkioDeviceReadIOps", o.read_iops);
    writeRates(out, "BlkioDeviceWriteIOps", o.write_iops);
    out.member("CpuPeriod", o.cpu_period).member("CpuQuota", o.cpu_quota).member("CpuRealtimePeriod", o.cpu_rt_period);
    out.member("CpuRealtimeRuntime", o.cpu_rt_runtime)
        .member("CpusetCpus", o.cpuset_cpus)
        .member("CpusetMems", o.cpuset_mems);
    writeDevices(out, o);
    out.member("MemoryReservation", o.memory_reservation).member("MemorySwap", o.memory_swap);
    out.member("MemorySwappiness", o.memory_swappiness)
        .member("OomKillDisable", o.oom_kill_disable)
        .member("PidsLimit", o.pids_limit);
    out.array("Ulimits", [&] {
        for (const auto& ulimit : o.ulimits)
            out.object([&] {
                out.member("Name", ulimit.first).member("Hard", ulimit.second.hard).member("Soft", ulimit.second.soft);
            });
    });
    out.member("CpuCount", 0).member("CpuPercent", 0).member("IOMaximumIOps", 0).member("IOMaximumBandwidth", 0);
}

void writePortBindings(json::Writer& out, const PortRequests& ports) {
    out.object("PortBindings", [&] {
        for (const auto& entry : ports.bindings)
            out.array(entry.first, [&] {
                for (const PortBinding& binding : entry.second)
                    out.object([&] { out.member("HostIp", binding.host_ip).member("HostPort", binding.host_port); });
            });
    });
}

void writeTail(json::Writer& out, const RunOptions& o, const FlagSet& flags) {
    if (!o.annotations.empty()) out.member("Annotations", toMap(o.annotations));
    if (flags.changed("init")) out.member("Init", o.init);
    if (!o.runtime.empty()) out.member("Runtime", o.runtime);
    if (!o.sysctls.empty()) out.member("Sysctls", toMap(o.sysctls));
    if (!o.tmpfs.empty())
        out.object("Tmpfs", [&] {
            for (const std::string& text : o.tmpfs)
                out.member(cut(text, ':').first, cut(text, ':').second.value_or(""));
        });
    if (o.storage_opts.empty()) return;
    for (const std::string& option : o.storage_opts)
        if (option.find('=') == std::string::npos) throw Error(Code::invalid, "invalid storage option");
    out.member("StorageOpt", toMap(o.storage_opts));
}

}  // namespace

void writeHostConfig(json::Writer& out, const RunOptions& o, const FlagSet& flags, const RequestFacts& facts,
                     const Volumes& volumes, const PortRequests& ports) {
    const RestartPolicy restart = restartPolicy(o);
    const SecurityOptions security = securityOptions(o);
    if (o.log_driver == "none" && !o.log_opts.empty())
        throw Error(Code::invalid, "invalid logging opts for driver none");
    textsOrNull(out, "Binds", volumes.binds);
    out.member("ContainerIDFile", o.cid_file);
    out.object("LogConfig", [&] { out.member("Type", o.log_driver).member("Config", toMap(o.log_opts)); });
    out.member("NetworkMode", networkMode(o));
    writePortBindings(out, ports);
    out.object("RestartPolicy", [&] { out.member("Name", restart.name).member("MaximumRetryCount", restart.retries); });
    out.member("AutoRemove", o.auto_remove).member("VolumeDriver", o.volume_driver);
    textsOrNull(out, "VolumesFrom", o.volumes_from);
    out.array("ConsoleSize", [&] { out.value(facts.console_rows).value(facts.console_columns); });
    writeCapabilities(out, o);
    out.member("CgroupnsMode", o.cgroupns)
        .member("Dns", o.dns)
        .member("DnsOptions", o.dns_options)
        .member("DnsSearch", o.dns_search);
    textsOrNull(out, "ExtraHosts", o.extra_hosts);
    textsOrNull(out, "GroupAdd", o.group_add);
    out.member("IpcMode", o.ipc).member("Cgroup", "");
    textsOrNull(out, "Links", o.links);
    out.member("OomScoreAdj", o.oom_score_adj).member("PidMode", o.pid).member("Privileged", o.privileged);
    out.member("PublishAllPorts", o.publish_all).member("ReadonlyRootfs", o.read_only);
    textsOrNull(out, "SecurityOpt", security.options);
    out.member("UTSMode", o.uts)
        .member("UsernsMode", o.userns)
        .member("ShmSize", o.shm_size)
        .member("Isolation", o.isolation);
    writeResources(out, o);
    writeMounts(out, o, facts);
    for (const char* paths : {"MaskedPaths", "ReadonlyPaths"}) {
        if (security.system_paths_open)
            out.member(paths, Texts());
        else
            out.key(paths).null();
    }
    writeTail(out, o, flags);
}

}  // namespace davit::cli
