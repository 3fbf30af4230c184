// RuntimeSpec: the config.json of the OCI runtime specification 1.2 (Linux), as values.
//
// It is the contract between davitd and whatever starts containers: the built-in launcher compiles it to a launch plan
// (runtime/plan_compiler.hpp), an external runtime such as runc gets it as a file. Values only; one thread at a time.
//
// Beyond the specification there is User::username on Linux: a user that must be looked up in the container's own
// /etc/passwd. The built-in launcher does that inside the root; for external runtimes it has to be resolved before.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "driver/storage_driver.hpp"

namespace davit::oci {

struct User {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::optional<std::uint32_t> umask;
    std::vector<std::uint32_t> additional_gids;
    std::string username;  ///< "user[:group]" in Docker's notation; when set uid and gid don't count
    std::vector<std::string>
        group_names;  ///< further groups by name or number, looked up likewise (not in the specification)
};

struct Rlimit {
    std::string type;  ///< "RLIMIT_NOFILE"
    std::uint64_t hard = 0;
    std::uint64_t soft = 0;
};

/// Names as "CAP_CHOWN".
struct Capabilities {
    std::vector<std::string> bounding;
    std::vector<std::string> effective;
    std::vector<std::string> inheritable;
    std::vector<std::string> permitted;
    std::vector<std::string> ambient;
};

struct ConsoleSize {
    std::uint32_t height = 0;
    std::uint32_t width = 0;
};

struct Process {
    bool terminal = false;
    ConsoleSize console_size;
    User user;
    std::vector<std::string> args;
    std::vector<std::string> env;
    std::string cwd = "/";
    std::optional<Capabilities> capabilities;  ///< absent: none are touched
    std::vector<Rlimit> rlimits;
    bool no_new_privileges = false;
    std::string apparmor_profile;
    std::string selinux_label;
    std::optional<int> oom_score_adj;
};

struct Root {
    std::string path;
    bool readonly = false;
};

struct Mount {
    std::string destination;
    std::string type;
    std::string source;
    std::vector<std::string> options;  ///< flags, propagation words and data, as for mount(8)
    std::vector<IdMap> uid_mappings;
    std::vector<IdMap> gid_mappings;
};

struct Namespace {
    std::string type;  ///< "pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"
    std::string path;  ///< empty: a new one
};

struct Device {
    std::string path;
    std::string type;  ///< "c", "b", "u", "p"
    std::int64_t major = 0;
    std::int64_t minor = 0;
    std::optional<std::uint32_t> file_mode;
    std::optional<std::uint32_t> uid;
    std::optional<std::uint32_t> gid;
};

struct DeviceRule {
    bool allow = false;
    std::string type;                   ///< "a", "c", "b"; empty is "a"
    std::optional<std::int64_t> major;  ///< absent: all
    std::optional<std::int64_t> minor;
    std::string access = "rwm";
};

struct MemoryLimits {
    std::optional<std::int64_t> limit;
    std::optional<std::int64_t> reservation;
    std::optional<std::int64_t> swap;  ///< memory and swap together; -1 unlimited
    std::optional<std::int64_t> kernel_tcp;
    std::optional<std::uint64_t> swappiness;
    std::optional<bool> disable_oom_killer;
};

struct CpuLimits {
    std::optional<std::uint64_t> shares;
    std::optional<std::int64_t> quota;
    std::optional<std::uint64_t> period;
    std::optional<std::int64_t> realtime_runtime;
    std::optional<std::uint64_t> realtime_period;
    std::string cpus;
    std::string mems;
};

struct BlockDeviceValue {
    std::int64_t major = 0;
    std::int64_t minor = 0;
    std::uint64_t value = 0;
};

struct BlockIoLimits {
    std::optional<std::uint16_t> weight;
    std::vector<BlockDeviceValue> weight_device;
    std::vector<BlockDeviceValue> throttle_read_bps;
    std::vector<BlockDeviceValue> throttle_write_bps;
    std::vector<BlockDeviceValue> throttle_read_iops;
    std::vector<BlockDeviceValue> throttle_write_iops;
};

struct Resources {
    std::vector<DeviceRule> devices;
    MemoryLimits memory;
    CpuLimits cpu;
    std::optional<std::int64_t> pids_limit;  ///< 0 or less: unlimited
    BlockIoLimits block_io;
    std::map<std::string, std::string> unified;  ///< cgroup v2 files written as they are
};

struct SeccompArgument {
    std::uint32_t index = 0;
    std::uint64_t value = 0;
    std::uint64_t value_two = 0;
    std::string op;  ///< "SCMP_CMP_EQ", …
};

struct SeccompRule {
    std::vector<std::string> names;
    std::string action;
    std::optional<std::uint32_t> errno_ret;
    std::vector<SeccompArgument> args;
};

struct Seccomp {
    std::string profile;  ///< a whole profile as JSON, Docker's form or this; then the rest is empty (not in the specification)
    std::string default_action;
    std::optional<std::uint32_t> default_errno_ret;
    std::vector<std::string> architectures;
    std::vector<std::string> flags;
    std::vector<SeccompRule> syscalls;
};

struct Linux {
    std::vector<Namespace> namespaces;
    std::vector<IdMap> uid_mappings;
    std::vector<IdMap> gid_mappings;
    std::vector<Device> devices;
    std::string cgroups_path;
    Resources resources;
    std::string rootfs_propagation;
    std::optional<Seccomp> seccomp;
    std::map<std::string, std::string> sysctl;
    std::vector<std::string> masked_paths;
    std::vector<std::string> readonly_paths;
    std::string mount_label;
};

struct Hook {
    std::string path;
    std::vector<std::string> args;
    std::vector<std::string> env;
    std::optional<int> timeout;
};

struct Hooks {
    std::vector<Hook> prestart;
    std::vector<Hook> create_runtime;
    std::vector<Hook> create_container;
    std::vector<Hook> start_container;
    std::vector<Hook> poststart;
    std::vector<Hook> poststop;
};

struct RuntimeSpec {
    std::string oci_version = "1.2.0";
    Process process;
    Root root;
    std::string hostname;
    std::string domainname;
    std::vector<Mount> mounts;
    std::map<std::string, std::string> annotations;
    Hooks hooks;
    Linux os;  ///< the member "linux" (a macro of some compilers)
};

/// Parses a config.json. Unknown members are ignored; wrong types and a missing ociVersion are Error{invalid}.
[[nodiscard]] RuntimeSpec parseRuntimeSpec(std::string_view json);
/// Only the process, as `exec --process FILE` takes it.
[[nodiscard]] Process parseProcess(std::string_view json);

/// Compact JSON that other runtimes accept.
[[nodiscard]] std::string writeRuntimeSpec(const RuntimeSpec& spec);
[[nodiscard]] std::string writeProcess(const Process& process);

}  // namespace davit::oci
