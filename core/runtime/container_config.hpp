// The container configuration of the Docker Engine API 1.51, kept whole so that inspect gives back what create got:
// ContainerConfig is the API's "Config" (portable, partly from the image), HostConfig its "HostConfig" (this host's).
//
// Plain values without behaviour. Members are named after the API's; their JSON is in container_config_json.hpp, the
// checks in config_validation.hpp, what they mean for a process in spec_builder.hpp. An std::optional is a pointer in
// Docker's structs: absent is not the same as zero. An empty vector stands for Go's nil unless it is optional.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace davit::runtime {

using Strings = std::vector<std::string>;
using StringMap = std::map<std::string, std::string>;

/// All durations are nanoseconds, as on the wire.
struct HealthConfig {
    Strings test;
    std::int64_t interval = 0;
    std::int64_t timeout = 0;
    std::int64_t start_period = 0;
    std::int64_t start_interval = 0;
    std::int64_t retries = 0;
};

struct ContainerConfig {
    std::string hostname;
    std::string domainname;
    std::string user;  ///< "name", "uid", each optionally ":group" or ":gid"
    bool attach_stdin = false;
    bool attach_stdout = false;
    bool attach_stderr = false;
    std::set<std::string> exposed_ports;  ///< "80/tcp"
    bool tty = false;
    bool open_stdin = false;
    bool stdin_once = false;
    Strings env;
    std::optional<Strings> cmd;
    std::optional<HealthConfig> healthcheck;
    bool args_escaped = false;
    std::string image;
    std::set<std::string> volumes;
    std::string working_dir;
    std::optional<Strings> entrypoint;
    bool network_disabled = false;
    std::string mac_address;  ///< deprecated since API 1.44
    Strings on_build;
    StringMap labels;
    std::string stop_signal;
    std::optional<std::int64_t> stop_timeout;
    Strings shell;
};

struct LogConfig {
    std::string type;
    StringMap config;
};

struct PortBinding {
    std::string host_ip;
    std::string host_port;
};

struct RestartPolicy {
    std::string name;
    std::int64_t maximum_retry_count = 0;
};

struct DeviceMapping {
    std::string path_on_host;
    std::string path_in_container;
    std::string cgroup_permissions;
};

struct DeviceRequest {
    std::string driver;
    std::int64_t count = 0;
    Strings device_ids;
    std::vector<Strings> capabilities;
    StringMap options;
};

struct ThrottleDevice {
    std::string path;
    std::uint64_t rate = 0;
};

struct WeightDevice {
    std::string path;
    std::uint16_t weight = 0;
};

struct Ulimit {
    std::string name;
    std::int64_t soft = 0;
    std::int64_t hard = 0;
};

struct BindOptions {
    std::string propagation;
    bool non_recursive = false;
    bool create_mountpoint = false;
    bool read_only_non_recursive = false;
    bool read_only_force_recursive = false;
};

struct VolumeDriverConfig {
    std::string name;
    StringMap options;
};

struct VolumeOptions {
    bool no_copy = false;
    StringMap labels;
    std::optional<VolumeDriverConfig> driver_config;
    std::string subpath;
};

struct ImageOptions {
    std::string subpath;
};

struct TmpfsOptions {
    std::int64_t size_bytes = 0;
    std::uint32_t mode = 0;
    std::vector<Strings> options;
};

/// One `--mount`.
struct Mount {
    std::string type;  ///< "bind", "volume", "tmpfs", "image", "npipe", "cluster"
    std::string source;
    std::string target;
    bool read_only = false;
    std::string consistency;
    std::optional<BindOptions> bind_options;
    std::optional<VolumeOptions> volume_options;
    std::optional<ImageOptions> image_options;
    std::optional<TmpfsOptions> tmpfs_options;
};

/// The part of HostConfig that `docker update` may change. Units are Docker's: bytes, microseconds, 1e-9 CPUs.
struct Resources {
    std::int64_t cpu_shares = 0;
    std::int64_t memory = 0;
    std::int64_t nano_cpus = 0;
    std::string cgroup_parent;
    std::uint16_t blkio_weight = 0;
    std::vector<WeightDevice> blkio_weight_device;
    std::vector<ThrottleDevice> blkio_device_read_bps;
    std::vector<ThrottleDevice> blkio_device_write_bps;
    std::vector<ThrottleDevice> blkio_device_read_iops;
    std::vector<ThrottleDevice> blkio_device_write_iops;
    std::int64_t cpu_period = 0;
    std::int64_t cpu_quota = 0;
    std::int64_t cpu_realtime_period = 0;
    std::int64_t cpu_realtime_runtime = 0;
    std::string cpuset_cpus;
    std::string cpuset_mems;
    std::vector<DeviceMapping> devices;
    Strings device_cgroup_rules;
    std::vector<DeviceRequest> device_requests;
    std::int64_t kernel_memory_tcp = 0;
    std::int64_t memory_reservation = 0;
    std::int64_t memory_swap = 0;  ///< -1: unlimited; 0: twice memory
    std::optional<std::int64_t> memory_swappiness;
    std::optional<bool> oom_kill_disable;
    std::optional<std::int64_t> pids_limit;  ///< 0 or -1: unlimited
    std::vector<Ulimit> ulimits;
    std::int64_t cpu_count = 0;              ///< Windows
    std::int64_t cpu_percent = 0;            ///< Windows
    std::uint64_t io_maximum_iops = 0;       ///< Windows
    std::uint64_t io_maximum_bandwidth = 0;  ///< Windows
};

struct HostConfig : Resources {
    Strings binds;  ///< "source:target[:options]"
    std::string container_id_file;
    LogConfig log_config;
    std::string network_mode;
    std::map<std::string, std::vector<PortBinding>> port_bindings;
    RestartPolicy restart_policy;
    bool auto_remove = false;
    std::string volume_driver;
    Strings volumes_from;
    std::vector<Mount> mounts;
    std::array<std::uint32_t, 2> console_size{};  ///< rows, columns
    StringMap annotations;

    Strings cap_add;
    Strings cap_drop;
    std::string cgroupns_mode;  ///< "", "private", "host"
    Strings dns;
    Strings dns_options;
    Strings dns_search;
    Strings extra_hosts;
    Strings group_add;
    std::string ipc_mode;
    std::string cgroup;
    Strings links;
    std::int64_t oom_score_adj = 0;
    std::string pid_mode;
    bool privileged = false;
    bool publish_all_ports = false;
    bool readonly_rootfs = false;
    Strings security_opt;
    StringMap storage_opt;
    StringMap tmpfs;  ///< target -> mount options
    std::string uts_mode;
    std::string userns_mode;
    std::int64_t shm_size = 0;
    StringMap sysctls;
    std::string runtime;
    std::string isolation;
    std::optional<bool> init;
    std::optional<Strings> masked_paths;    ///< absent: the default list; empty: none
    std::optional<Strings> readonly_paths;  ///< absent: the default list; empty: none
};

}  // namespace davit::runtime
