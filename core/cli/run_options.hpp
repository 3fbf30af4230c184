// What `run` and `create` were asked for: the values of all their flags, and how they become a create request.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "cli/flags.hpp"
#include "cli/run_values.hpp"

namespace davit::cli {

struct RunOptions {
    // of the command itself
    bool detach = false;
    bool sig_proxy = true;
    std::string detach_keys;
    std::string name;
    std::string platform;
    std::string pull = "missing";
    bool quiet = false;
    bool untrusted = true;
    std::string cid_file;

    // process
    std::vector<std::string> attach;
    bool interactive = false;
    bool tty = false;
    std::string user;
    std::string workdir;
    std::string entrypoint;
    std::vector<std::string> env;
    std::vector<std::string> env_files;
    std::vector<std::string> labels;
    std::vector<std::string> label_files;
    std::vector<std::string> annotations;
    std::string stop_signal;
    std::int64_t stop_timeout = 0;
    std::string hostname;
    std::string domainname;

    // life cycle
    bool auto_remove = false;
    std::string restart = "no";
    bool init = false;
    std::string runtime;
    std::string isolation;

    // health
    std::string health_cmd;
    std::int64_t health_interval_ns = 0;
    std::int64_t health_timeout_ns = 0;
    std::int64_t health_start_period_ns = 0;
    std::int64_t health_start_interval_ns = 0;
    std::int64_t health_retries = 0;
    bool no_healthcheck = false;

    // namespaces and security
    std::string pid;
    std::string ipc;
    std::string uts;
    std::string userns;
    std::string cgroupns;
    bool privileged = false;
    bool read_only = false;
    std::vector<std::string> cap_add;
    std::vector<std::string> cap_drop;
    std::vector<std::string> security_opts;
    std::vector<std::string> group_add;
    std::vector<std::string> sysctls;

    // resources
    std::int64_t memory = 0;
    std::int64_t memory_reservation = 0;
    std::int64_t memory_swap = 0;
    std::int64_t memory_swappiness = -1;
    std::int64_t kernel_memory = 0;
    std::int64_t shm_size = 0;
    bool oom_kill_disable = false;
    std::int64_t oom_score_adj = 0;
    std::int64_t nano_cpus = 0;
    std::int64_t cpu_shares = 0;
    std::int64_t cpu_period = 0;
    std::int64_t cpu_quota = 0;
    std::int64_t cpu_rt_period = 0;
    std::int64_t cpu_rt_runtime = 0;
    std::string cpuset_cpus;
    std::string cpuset_mems;
    std::int64_t pids_limit = 0;
    std::string cgroup_parent;
    std::uint64_t blkio_weight = 0;
    std::vector<DeviceRate> blkio_weight_device;
    std::vector<DeviceRate> read_bps;
    std::vector<DeviceRate> write_bps;
    std::vector<DeviceRate> read_iops;
    std::vector<DeviceRate> write_iops;
    std::map<std::string, Ulimit> ulimits;
    std::vector<std::string> devices;
    std::vector<std::string> device_cgroup_rules;
    std::vector<GpuRequest> gpus;
    std::vector<std::string> windows_only;  ///< names of the flags given that no Linux daemon has

    // storage
    std::vector<std::string> volumes;
    std::vector<MountRequest> mounts;
    std::vector<std::string> tmpfs;
    std::vector<std::string> volumes_from;
    std::string volume_driver;
    std::vector<std::string> storage_opts;
    bool use_api_socket = false;

    // network
    std::vector<NetworkRequest> networks;
    std::vector<std::string> aliases;
    std::vector<std::string> links;
    std::vector<std::string> link_local_ips;
    std::string ip;
    std::string ip6;
    std::string mac_address;
    std::vector<std::string> publish;
    std::vector<std::string> expose;
    bool publish_all = false;
    std::vector<std::string> dns;
    std::vector<std::string> dns_options;
    std::vector<std::string> dns_search;
    std::vector<std::string> extra_hosts;

    // logging
    std::string log_driver;
    std::vector<std::string> log_opts;
};

/// Declares the flags; `run` has three more than `create`.
void declareRunFlags(FlagSet& flags, RunOptions& options, bool run);

/// What decides a request besides the flags.
struct RequestFacts {
    int api_minor = 51;
    bool detach = false;
    unsigned console_rows = 0;
    unsigned console_columns = 0;
    std::string api_socket;  ///< of --use-api-socket
};

struct CreateRequest {
    std::string json;  ///< the body of POST /containers/create
    bool attach_stdin = false;
    bool attach_stdout = false;
    bool attach_stderr = false;
};

/// `positional`: image and command. Reads env-, label- and seccomp files. Throws Error{invalid} with Docker's texts.
[[nodiscard]] CreateRequest buildCreateRequest(const RunOptions& options, const FlagSet& flags,
                                               const std::vector<std::string>& positional, const RequestFacts& facts);

}  // namespace davit::cli
