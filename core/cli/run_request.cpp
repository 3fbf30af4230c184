// The create request: Docker's Config, HostConfig and NetworkingConfig out of the flags.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/check.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "cli/run_network.hpp"
#include "cli/run_options.hpp"
#include "cli/run_ports.hpp"

namespace davit::cli {
namespace {

using Texts = std::vector<std::string>;

void textsOrNull(json::Writer& out, std::string_view name, const Texts& texts) {
    if (texts.empty())
        out.key(name).null();
    else
        out.member(name, texts);
}

void sizeOf(json::Writer& out, std::string_view name, std::int64_t value) { out.member(name, value); }

void checkModes(const RunOptions& o) {
    const auto valid = [](const std::string& mode, std::initializer_list<std::string_view> words) {
        return std::find(words.begin(), words.end(), mode) != words.end();
    };
    const bool joins = o.pid.starts_with("container:") && o.pid.size() > std::string_view("container:").size();
    if (!valid(o.pid, {"", "host"}) && !joins) throw Error(Code::invalid, "--pid: invalid PID mode");
    if (!valid(o.uts, {"", "host"})) throw Error(Code::invalid, "--uts: invalid UTS mode");
    if (!valid(o.userns, {"", "host"})) throw Error(Code::invalid, "--userns: invalid USER mode");
    if (!valid(o.cgroupns, {"", "host", "private"})) throw Error(Code::invalid, "--cgroupns: invalid CGROUP mode");
    if (o.memory_swappiness < -1 || o.memory_swappiness > 100)
        throw error(Code::invalid, "invalid value: {}. Valid memory swappiness range is 0-100", o.memory_swappiness);
}

struct RestartPolicy {
    std::string name;
    std::int64_t retries = 0;
};

RestartPolicy restartPolicy(const RunOptions& o) {
    const auto [name, count] = cut(o.restart, ':');
    RestartPolicy policy{name};
    if (count && name.empty())
        throw Error(Code::invalid, "invalid restart policy format: no policy provided before colon");
    if (count && (count->empty() || count->find_first_not_of("0123456789") != std::string::npos || count->size() > 9))
        throw Error(Code::invalid, "invalid restart policy format: maximum retry count must be an integer");
    if (count) policy.retries = std::stoll(*count);
    if (o.auto_remove && name != "no" && !name.empty())
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

void writeHealth(json::Writer& out, const RunOptions& o, const FlagSet& flags) {
    const bool changed = flags.changed("health-cmd") || flags.changed("health-interval") ||
                         flags.changed("health-timeout") || flags.changed("health-start-period") ||
                         flags.changed("health-start-interval") || flags.changed("health-retries");
    if (o.no_healthcheck) {
        if (changed) throw Error(Code::invalid, "--no-healthcheck conflicts with --health-* options");
        out.object("Healthcheck", [&] { out.member("Test", Texts{"NONE"}); });
        return;
    }
    if (!changed) return;
    const std::pair<const char*, std::int64_t> values[] = {{"interval", o.health_interval_ns},
                                                           {"timeout", o.health_timeout_ns},
                                                           {"retries", o.health_retries},
                                                           {"start-period", o.health_start_period_ns},
                                                           {"start-interval", o.health_start_interval_ns}};
    for (const auto& [name, value] : values)
        if (value < 0) throw error(Code::invalid, "--health-{} cannot be negative", name);
    out.object("Healthcheck", [&] {
        if (!o.health_cmd.empty()) out.member("Test", Texts{"CMD-SHELL", o.health_cmd});
        const std::pair<const char*, std::int64_t> members[] = {{"Interval", o.health_interval_ns},
                                                                {"Timeout", o.health_timeout_ns},
                                                                {"StartPeriod", o.health_start_period_ns},
                                                                {"StartInterval", o.health_start_interval_ns},
                                                                {"Retries", o.health_retries}};
        for (const auto& [name, value] : members)
            if (value != 0) out.member(name, value);
    });
}

struct Volumes {
    Texts binds;
    Texts anonymous;
};

Volumes splitVolumes(const RunOptions& o) {
    Volumes out;
    for (const std::string& volume : o.volumes) {
        const auto [source, rest] = cut(volume, ':');
        if (!rest)
            out.anonymous.push_back(volume);
        else if (source.starts_with('.')) {
            std::string path = std::filesystem::absolute(source).lexically_normal();
            while (path.size() > 1 && path.ends_with('/')) path.pop_back();
            out.binds.push_back(path + ":" + *rest);
        } else {
            out.binds.push_back(volume);
        }
    }
    return out;
}

void writeNames(json::Writer& out, std::string_view name, const Texts& names) {
    out.object(name, [&] {
        for (const std::string& one : std::set<std::string>(names.begin(), names.end())) out.object(one, [] {});
    });
}

void writeConfig(json::Writer& out, const RunOptions& o, const FlagSet& flags, const Texts& positional,
                 const CreateRequest& attach, const Volumes& volumes, const PortRequests& ports) {
    Texts env;
    for (const std::string& file : o.env_files)
        for (std::string& line : readKeyValueFile(file, true)) env.push_back(std::move(line));
    env.insert(env.end(), o.env.begin(), o.env.end());
    Texts labels;
    for (const std::string& file : o.label_files)
        for (std::string& line : readKeyValueFile(file, false)) labels.push_back(std::move(line));
    labels.insert(labels.end(), o.labels.begin(), o.labels.end());
    out.member("Hostname", o.hostname).member("Domainname", o.domainname).member("User", o.user);
    out.member("AttachStdin", attach.attach_stdin)
        .member("AttachStdout", attach.attach_stdout)
        .member("AttachStderr", attach.attach_stderr);
    if (!ports.exposed.empty()) writeNames(out, "ExposedPorts", {ports.exposed.begin(), ports.exposed.end()});
    out.member("Tty", o.tty)
        .member("OpenStdin", o.interactive)
        .member("StdinOnce", o.interactive && attach.attach_stdin);
    textsOrNull(out, "Env", env);
    textsOrNull(out, "Cmd", {positional.begin() + 1, positional.end()});
    writeHealth(out, o, flags);
    out.member("Image", positional.front());
    writeNames(out, "Volumes", volumes.anonymous);
    out.member("WorkingDir", o.workdir);
    if (flags.changed("entrypoint"))
        out.member("Entrypoint", Texts{o.entrypoint});
    else
        out.key("Entrypoint").null();
    out.key("OnBuild").null().member("Labels", toMap(labels));
    if (!o.stop_signal.empty()) out.member("StopSignal", o.stop_signal);
    if (flags.changed("stop-timeout")) out.member("StopTimeout", o.stop_timeout);
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
    sizeOf(out, "CpuShares", o.cpu_shares);
    sizeOf(out, "Memory", o.memory);
    sizeOf(out, "NanoCpus", o.nano_cpus);
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
        for (const auto& [name, limit] : o.ulimits)
            out.object([&] { out.member("Name", name).member("Hard", limit.hard).member("Soft", limit.soft); });
    });
    out.member("CpuCount", 0).member("CpuPercent", 0).member("IOMaximumIOps", 0).member("IOMaximumBandwidth", 0);
}

void writePortBindings(json::Writer& out, const PortRequests& ports) {
    out.object("PortBindings", [&] {
        for (const auto& [port, bindings] : ports.bindings)
            out.array(port, [&] {
                for (const PortBinding& binding : bindings)
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

CreateRequest attachments(const RunOptions& o, bool detach) {
    CreateRequest request;
    if (detach) return request;
    const auto wants = [&](std::string_view stream) {
        return std::find(o.attach.begin(), o.attach.end(), stream) != o.attach.end();
    };
    request.attach_stdin = o.attach.empty() ? o.interactive : wants("stdin");
    request.attach_stdout = o.attach.empty() || wants("stdout");
    request.attach_stderr = o.attach.empty() || wants("stderr");
    return request;
}

}  // namespace

CreateRequest buildCreateRequest(const RunOptions& options, const FlagSet& flags, const Texts& positional,
                                 const RequestFacts& facts) {
    checkModes(options);
    CreateRequest request = attachments(options, facts.detach);
    const Volumes volumes = splitVolumes(options);
    const PortRequests ports = parsePorts(options.publish, options.expose);
    json::Writer out;
    out.object([&] {
        writeConfig(out, options, flags, positional, request, volumes, ports);
        const std::string mac = firstMacAddress(options);
        if (facts.api_minor < 44 && !mac.empty())
            out.member("MacAddress", mac);  // later versions read it from the endpoint
        out.object("HostConfig", [&] { writeHostConfig(out, options, flags, facts, volumes, ports); });
        writeNetworkingConfig(out, options);
    });
    request.json = out.take();
    return request;
}

}  // namespace davit::cli
