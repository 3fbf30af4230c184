#include "runtime/container_config_json.hpp"

#include "base/check.hpp"

namespace davit::runtime {
namespace {

// Docker takes a string where a list is meant ("Cmd":"sh"), as its strslice type does.
std::optional<Strings> readCommand(const json::Value& value) {
    if (value.isNull()) return std::nullopt;
    if (value.isString()) return Strings{value.string()};
    return value.strings();
}

// An object whose keys matter and whose values are empty objects: Go's map[string]struct{}.
std::set<std::string> readSet(const json::Value& value) {
    std::set<std::string> names;
    for (const auto [name, ignored] : value.object()) names.emplace(name);
    return names;
}

template <typename Element, typename Read>
std::vector<Element> readList(const json::Value& value, Read read) {
    std::vector<Element> elements;
    for (const json::Value item : value.array()) elements.push_back(read(item));
    return elements;
}

DeviceMapping readDevice(const json::Value& value) {
    return {.path_on_host = value["PathOnHost"].string(),
            .path_in_container = value["PathInContainer"].string(),
            .cgroup_permissions = value["CgroupPermissions"].string()};
}

DeviceRequest readDeviceRequest(const json::Value& value) {
    return {.driver = value["Driver"].string(),
            .count = value["Count"].integer(),
            .device_ids = value["DeviceIDs"].strings(),
            .capabilities = readList<Strings>(value["Capabilities"], [](const json::Value& v) { return v.strings(); }),
            .options = value["Options"].stringMap()};
}

ThrottleDevice readThrottle(const json::Value& value) {
    return {.path = value["Path"].string(), .rate = value["Rate"].unsignedInteger()};
}

std::uint16_t readWeight(const json::Value& value) {
    const auto weight = value.unsignedInteger();
    if (weight > 0xffff) throw error(Code::invalid, "invalid JSON: cannot read {} as uint16", weight);
    return static_cast<std::uint16_t>(weight);
}

WeightDevice readWeightDevice(const json::Value& value) {
    return {.path = value["Path"].string(), .weight = readWeight(value["Weight"])};
}

Ulimit readUlimit(const json::Value& value) {
    return {.name = value["Name"].string(), .soft = value["Soft"].integer(), .hard = value["Hard"].integer()};
}

BindOptions readBindOptions(const json::Value& value) {
    return {.propagation = value["Propagation"].string(),
            .non_recursive = value["NonRecursive"].boolean(),
            .create_mountpoint = value["CreateMountpoint"].boolean(),
            .read_only_non_recursive = value["ReadOnlyNonRecursive"].boolean(),
            .read_only_force_recursive = value["ReadOnlyForceRecursive"].boolean()};
}

VolumeOptions readVolumeOptions(const json::Value& value) {
    VolumeOptions options{.no_copy = value["NoCopy"].boolean(),
                          .labels = value["Labels"].stringMap(),
                          .driver_config = std::nullopt,
                          .subpath = value["Subpath"].string()};
    if (const json::Value driver = value["DriverConfig"])
        options.driver_config = VolumeDriverConfig{driver["Name"].string(), driver["Options"].stringMap()};
    return options;
}

TmpfsOptions readTmpfsOptions(const json::Value& value) {
    return {.size_bytes = value["SizeBytes"].integer(),
            .mode = static_cast<std::uint32_t>(value["Mode"].unsignedInteger()),
            .options = readList<Strings>(value["Options"], [](const json::Value& v) { return v.strings(); })};
}

Mount readMount(const json::Value& value) {
    Mount mount{.type = value["Type"].string(),
                .source = value["Source"].string(),
                .target = value["Target"].string(),
                .read_only = value["ReadOnly"].boolean(),
                .consistency = value["Consistency"].string()};
    if (const json::Value options = value["BindOptions"]) mount.bind_options = readBindOptions(options);
    if (const json::Value options = value["VolumeOptions"]) mount.volume_options = readVolumeOptions(options);
    if (const json::Value options = value["ImageOptions"]) mount.image_options = ImageOptions{options["Subpath"].string()};
    if (const json::Value options = value["TmpfsOptions"]) mount.tmpfs_options = readTmpfsOptions(options);
    return mount;
}

std::map<std::string, std::vector<PortBinding>> readPorts(const json::Value& value) {
    std::map<std::string, std::vector<PortBinding>> ports;
    for (const auto [port, bindings] : value.object())
        ports[std::string(port)] = readList<PortBinding>(bindings, [](const json::Value& v) {
            return PortBinding{.host_ip = v["HostIp"].string(), .host_port = v["HostPort"].string()};
        });
    return ports;
}

template <typename T>
std::optional<T> optionalInteger(const json::Value& value) {
    if (value.isNull()) return std::nullopt;
    return static_cast<T>(value.integer());
}

std::optional<bool> optionalBool(const json::Value& value) {
    if (value.isNull()) return std::nullopt;
    return value.boolean();
}

std::optional<Strings> optionalStrings(const json::Value& value) {
    if (value.isNull()) return std::nullopt;
    return value.strings();
}

void readCpu(const json::Value& value, Resources& resources) {
    resources.cpu_shares = value["CpuShares"].integer();
    resources.nano_cpus = value["NanoCpus"].integer();
    resources.cpu_period = value["CpuPeriod"].integer();
    resources.cpu_quota = value["CpuQuota"].integer();
    resources.cpu_realtime_period = value["CpuRealtimePeriod"].integer();
    resources.cpu_realtime_runtime = value["CpuRealtimeRuntime"].integer();
    resources.cpuset_cpus = value["CpusetCpus"].string();
    resources.cpuset_mems = value["CpusetMems"].string();
    resources.cpu_count = value["CpuCount"].integer();
    resources.cpu_percent = value["CpuPercent"].integer();
}

void readMemory(const json::Value& value, Resources& resources) {
    resources.memory = value["Memory"].integer();
    resources.kernel_memory_tcp = value["KernelMemoryTCP"].integer();
    resources.memory_reservation = value["MemoryReservation"].integer();
    resources.memory_swap = value["MemorySwap"].integer();
    resources.memory_swappiness = optionalInteger<std::int64_t>(value["MemorySwappiness"]);
    resources.oom_kill_disable = optionalBool(value["OomKillDisable"]);
    resources.pids_limit = optionalInteger<std::int64_t>(value["PidsLimit"]);
}

void readBlockIo(const json::Value& value, Resources& resources) {
    resources.blkio_weight = readWeight(value["BlkioWeight"]);
    resources.blkio_weight_device = readList<WeightDevice>(value["BlkioWeightDevice"], readWeightDevice);
    resources.blkio_device_read_bps = readList<ThrottleDevice>(value["BlkioDeviceReadBps"], readThrottle);
    resources.blkio_device_write_bps = readList<ThrottleDevice>(value["BlkioDeviceWriteBps"], readThrottle);
    resources.blkio_device_read_iops = readList<ThrottleDevice>(value["BlkioDeviceReadIOps"], readThrottle);
    resources.blkio_device_write_iops = readList<ThrottleDevice>(value["BlkioDeviceWriteIOps"], readThrottle);
    resources.io_maximum_iops = value["IOMaximumIOps"].unsignedInteger();
    resources.io_maximum_bandwidth = value["IOMaximumBandwidth"].unsignedInteger();
}

void readResources(const json::Value& value, Resources& resources) {
    readCpu(value, resources);
    readMemory(value, resources);
    readBlockIo(value, resources);
    resources.cgroup_parent = value["CgroupParent"].string();
    resources.devices = readList<DeviceMapping>(value["Devices"], readDevice);
    resources.device_cgroup_rules = value["DeviceCgroupRules"].strings();
    resources.device_requests = readList<DeviceRequest>(value["DeviceRequests"], readDeviceRequest);
    resources.ulimits = readList<Ulimit>(value["Ulimits"], readUlimit);
}

void readNamespaces(const json::Value& value, HostConfig& host) {
    host.network_mode = value["NetworkMode"].string();
    host.cgroupns_mode = value["CgroupnsMode"].string();
    host.ipc_mode = value["IpcMode"].string();
    host.cgroup = value["Cgroup"].string();
    host.pid_mode = value["PidMode"].string();
    host.uts_mode = value["UTSMode"].string();
    host.userns_mode = value["UsernsMode"].string();
    host.isolation = value["Isolation"].string();
}

void readNames(const json::Value& value, HostConfig& host) {
    host.port_bindings = readPorts(value["PortBindings"]);
    host.publish_all_ports = value["PublishAllPorts"].boolean();
    host.dns = value["Dns"].strings();
    host.dns_options = value["DnsOptions"].strings();
    host.dns_search = value["DnsSearch"].strings();
    host.extra_hosts = value["ExtraHosts"].strings();
    host.links = value["Links"].strings();
}

void readStorage(const json::Value& value, HostConfig& host) {
    host.binds = value["Binds"].strings();
    host.volume_driver = value["VolumeDriver"].string();
    host.volumes_from = value["VolumesFrom"].strings();
    host.mounts = readList<Mount>(value["Mounts"], readMount);
    host.readonly_rootfs = value["ReadonlyRootfs"].boolean();
    host.storage_opt = value["StorageOpt"].stringMap();
    host.tmpfs = value["Tmpfs"].stringMap();
    host.shm_size = value["ShmSize"].integer();
}

void readSecurity(const json::Value& value, HostConfig& host) {
    host.cap_add = value["CapAdd"].strings();
    host.cap_drop = value["CapDrop"].strings();
    host.group_add = value["GroupAdd"].strings();
    host.privileged = value["Privileged"].boolean();
    host.security_opt = value["SecurityOpt"].strings();
    host.sysctls = value["Sysctls"].stringMap();
    host.masked_paths = optionalStrings(value["MaskedPaths"]);
    host.readonly_paths = optionalStrings(value["ReadonlyPaths"]);
    host.oom_score_adj = value["OomScoreAdj"].integer();
}

}  // namespace

HealthConfig readHealthConfig(const json::Value& value) {
    return {.test = value["Test"].strings(),
            .interval = value["Interval"].integer(),
            .timeout = value["Timeout"].integer(),
            .start_period = value["StartPeriod"].integer(),
            .start_interval = value["StartInterval"].integer(),
            .retries = value["Retries"].integer()};
}

ContainerConfig readContainerConfig(const json::Value& value) {
    ContainerConfig config;
    config.hostname = value["Hostname"].string();
    config.domainname = value["Domainname"].string();
    config.user = value["User"].string();
    config.attach_stdin = value["AttachStdin"].boolean();
    config.attach_stdout = value["AttachStdout"].boolean();
    config.attach_stderr = value["AttachStderr"].boolean();
    config.exposed_ports = readSet(value["ExposedPorts"]);
    config.tty = value["Tty"].boolean();
    config.open_stdin = value["OpenStdin"].boolean();
    config.stdin_once = value["StdinOnce"].boolean();
    config.env = value["Env"].strings();
    config.cmd = readCommand(value["Cmd"]);
    if (const json::Value health = value["Healthcheck"]) config.healthcheck = readHealthConfig(health);
    config.args_escaped = value["ArgsEscaped"].boolean();
    config.image = value["Image"].string();
    config.volumes = readSet(value["Volumes"]);
    config.working_dir = value["WorkingDir"].string();
    config.entrypoint = readCommand(value["Entrypoint"]);
    config.network_disabled = value["NetworkDisabled"].boolean();
    config.mac_address = value["MacAddress"].string();
    config.on_build = value["OnBuild"].strings();
    config.labels = value["Labels"].stringMap();
    config.stop_signal = value["StopSignal"].string();
    config.stop_timeout = optionalInteger<std::int64_t>(value["StopTimeout"]);
    config.shell = value["Shell"].strings();
    return config;
}

HostConfig readHostConfig(const json::Value& value) {
    HostConfig host;
    readResources(value, host);
    readNamespaces(value, host);
    readNames(value, host);
    readStorage(value, host);
    readSecurity(value, host);
    host.container_id_file = value["ContainerIDFile"].string();
    host.log_config = {.type = value["LogConfig"]["Type"].string(), .config = value["LogConfig"]["Config"].stringMap()};
    host.restart_policy = {.name = value["RestartPolicy"]["Name"].string(),
                           .maximum_retry_count = value["RestartPolicy"]["MaximumRetryCount"].integer()};
    host.auto_remove = value["AutoRemove"].boolean();
    host.annotations = value["Annotations"].stringMap();
    host.runtime = value["Runtime"].string();
    host.init = optionalBool(value["Init"]);
    std::size_t index = 0;
    for (const json::Value size : value["ConsoleSize"].array())
        if (index < host.console_size.size())
            host.console_size[index++] = static_cast<std::uint32_t>(size.unsignedInteger());
    return host;
}

}  // namespace davit::runtime
