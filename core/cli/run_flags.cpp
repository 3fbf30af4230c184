// The flags of `run` and `create`, by subject.
#include <limits>

#include "base/check.hpp"
#include "cli/run_options.hpp"
#include "cli/units.hpp"

namespace davit::cli {
namespace {

using Texts = std::vector<std::string>;

// A list whose elements are checked (and perhaps rewritten) one by one.
template <typename Check>
void checkedList(FlagSet& flags, Texts* target, std::string name, char shorthand, std::string usage,
                 Check check_value) {
    flags.custom([target, check_value](const std::string& value) { target->push_back(check_value(value)); },
                 std::move(name), shorthand, "list", std::move(usage));
}

void bytes(FlagSet& flags, std::int64_t* target, std::string name, char shorthand, std::string usage) {
    flags.custom([target](const std::string& value) { *target = parseBytes(value); }, std::move(name), shorthand,
                 "bytes", std::move(usage));
}

void duration(FlagSet& flags, std::int64_t* target, std::string name, std::string usage) {
    flags.custom([target](const std::string& value) { *target = parseDuration(value).count(); }, std::move(name), '\0',
                 "duration", std::move(usage));
    flags.defaultText("0s");
}

template <typename Item, typename Parse>
void parsedList(FlagSet& flags, std::vector<Item>* target, std::string name, std::string type, std::string usage,
                Parse parse) {
    flags.custom([target, parse](const std::string& value) { target->push_back(parse(value)); }, std::move(name), '\0',
                 std::move(type), std::move(usage));
}

void declareProcess(FlagSet& flags, RunOptions& o) {
    checkedList(flags, &o.attach, "attach", 'a', "Attach to STDIN, STDOUT or STDERR", checkAttach);
    flags.boolean(&o.interactive, "interactive", 'i', "Keep STDIN open even if not attached")
        .boolean(&o.tty, "tty", 't', "Allocate a pseudo-TTY")
        .string(&o.user, "user", 'u', "Username or UID (format: <name|uid>[:<group|gid>])")
        .string(&o.workdir, "workdir", 'w', "Working directory inside the container")
        .string(&o.entrypoint, "entrypoint", '\0', "Overwrite the default ENTRYPOINT of the image")
        .list(&o.env_files, "env-file", '\0', "Read in a file of environment variables")
        .list(&o.label_files, "label-file", '\0', "Read in a line delimited file of labels")
        .list(&o.annotations, "annotation", '\0',
              "Add an annotation to the container (passed through to the OCI runtime)", "map")
        .string(&o.stop_signal, "stop-signal", '\0', "Signal to stop the container")
        .integer(&o.stop_timeout, "stop-timeout", '\0', "Timeout (in seconds) to stop a container")
        .string(&o.hostname, "hostname", 'h', "Container host name")
        .string(&o.domainname, "domainname", '\0', "Container NIS domain name");
    checkedList(flags, &o.env, "env", 'e', "Set environment variables", checkEnv);
    checkedList(flags, &o.labels, "label", 'l', "Set meta data on a container", checkLabel);
}

void declareLifecycle(FlagSet& flags, RunOptions& o) {
    flags
        .boolean(&o.auto_remove, "rm", '\0',
                 "Automatically remove the container and its associated anonymous volumes when it exits")
        .string(&o.restart, "restart", '\0', "Restart policy to apply when a container exits")
        .boolean(&o.init, "init", '\0', "Run an init inside the container that forwards signals and reaps processes")
        .string(&o.runtime, "runtime", '\0', "Runtime to use for this container")
        .string(&o.isolation, "isolation", '\0', "Container isolation technology")
        .string(&o.name, "name", '\0', "Assign a name to the container")
        .string(&o.platform, "platform", '\0', "Set platform if server is multi-platform capable")
        .string(&o.pull, "pull", '\0', "Pull image before running (\"always\", \"missing\", \"never\")")
        .boolean(&o.quiet, "quiet", 'q', "Suppress the pull output")
        .boolean(&o.untrusted, "disable-content-trust", '\0', "Skip image verification")
        .string(&o.cid_file, "cidfile", '\0', "Write the container ID to the file");
}

void declareHealth(FlagSet& flags, RunOptions& o) {
    flags.string(&o.health_cmd, "health-cmd", '\0', "Command to run to check health")
        .integer(&o.health_retries, "health-retries", '\0', "Consecutive failures needed to report unhealthy")
        .boolean(&o.no_healthcheck, "no-healthcheck", '\0', "Disable any container-specified HEALTHCHECK");
    duration(flags, &o.health_interval_ns, "health-interval", "Time between running the check (ms|s|m|h)");
    duration(flags, &o.health_timeout_ns, "health-timeout", "Maximum time to allow one check to run (ms|s|m|h)");
    duration(flags, &o.health_start_period_ns, "health-start-period",
             "Start period for the container to initialize before starting health-retries countdown (ms|s|m|h)");
    duration(flags, &o.health_start_interval_ns, "health-start-interval",
             "Time between running the check during the start period (ms|s|m|h)");
}

void declareSecurity(FlagSet& flags, RunOptions& o) {
    flags.string(&o.pid, "pid", '\0', "PID namespace to use")
        .string(&o.ipc, "ipc", '\0', "IPC mode to use")
        .string(&o.uts, "uts", '\0', "UTS namespace to use")
        .string(&o.userns, "userns", '\0', "User namespace to use")
        .string(&o.cgroupns, "cgroupns", '\0',
                "Cgroup namespace to use (host|private)\n'host':    Run the container in the host's cgroup namespace\n"
                "'private': Run the container in its own private cgroup namespace\n"
                "'':        Use the daemon's default-cgroupns-mode (default)")
        .boolean(&o.privileged, "privileged", '\0', "Give extended privileges to this container")
        .boolean(&o.read_only, "read-only", '\0', "Mount the container's root filesystem as read only")
        .list(&o.cap_add, "cap-add", '\0', "Add Linux capabilities")
        .list(&o.cap_drop, "cap-drop", '\0', "Drop Linux capabilities")
        .list(&o.security_opts, "security-opt", '\0', "Security Options")
        .list(&o.group_add, "group-add", '\0', "Add additional groups to join");
    flags.custom([&o](const std::string& value) { o.sysctls.push_back(checkSysctl(value)); }, "sysctl", '\0', "map",
                 "Sysctl options");
}

void declareMemoryAndCpu(FlagSet& flags, RunOptions& o) {
    bytes(flags, &o.memory, "memory", 'm', "Memory limit");
    bytes(flags, &o.memory_reservation, "memory-reservation", '\0', "Memory soft limit");
    bytes(flags, &o.memory_swap, "memory-swap", '\0',
          "Swap limit equal to memory plus swap: '-1' to enable unlimited swap");
    bytes(flags, &o.kernel_memory, "kernel-memory", '\0', "Kernel memory limit");
    flags.hide();
    bytes(flags, &o.shm_size, "shm-size", '\0', "Size of /dev/shm");
    flags.integer(&o.memory_swappiness, "memory-swappiness", '\0', "Tune container memory swappiness (0 to 100)")
        .boolean(&o.oom_kill_disable, "oom-kill-disable", '\0', "Disable OOM Killer")
        .integer(&o.oom_score_adj, "oom-score-adj", '\0', "Tune host's OOM preferences (-1000 to 1000)")
        .integer(&o.cpu_shares, "cpu-shares", 'c', "CPU shares (relative weight)")
        .integer(&o.cpu_period, "cpu-period", '\0', "Limit CPU CFS (Completely Fair Scheduler) period")
        .integer(&o.cpu_quota, "cpu-quota", '\0', "Limit CPU CFS (Completely Fair Scheduler) quota")
        .integer(&o.cpu_rt_period, "cpu-rt-period", '\0', "Limit CPU real-time period in microseconds")
        .integer(&o.cpu_rt_runtime, "cpu-rt-runtime", '\0', "Limit CPU real-time runtime in microseconds")
        .string(&o.cpuset_cpus, "cpuset-cpus", '\0', "CPUs in which to allow execution (0-3, 0,1)")
        .string(&o.cpuset_mems, "cpuset-mems", '\0', "MEMs in which to allow execution (0-3, 0,1)")
        .integer(&o.pids_limit, "pids-limit", '\0', "Tune container pids limit (set -1 for unlimited)")
        .string(&o.cgroup_parent, "cgroup-parent", '\0', "Optional parent cgroup for the container")
        .custom([&o](const std::string& value) { o.nano_cpus = parseScaledDecimal(value, 1'000'000'000); }, "cpus",
                '\0', "decimal", "Number of CPUs");
    flags.custom(
        [&o](const std::string& value) {
            const auto [name, limit] = parseUlimit(value);
            o.ulimits[name] = limit;
        },
        "ulimit", '\0', "ulimit", "Ulimit options");
    flags.defaultText("[]");
}

void declareDevices(FlagSet& flags, RunOptions& o) {
    flags.custom([&o](const std::string& value) { o.blkio_weight = parseUnsigned(value, 16); }, "blkio-weight", '\0',
                 "uint16", "Block IO (relative weight), between 10 and 1000, or 0 to disable");
    parsedList(flags, &o.blkio_weight_device, "blkio-weight-device", "list", "Block IO weight (relative device weight)",
               parseWeightDevice);
    parsedList(flags, &o.read_bps, "device-read-bps", "list", "Limit read rate (bytes per second) from a device",
               parseBytesRate);
    parsedList(flags, &o.write_bps, "device-write-bps", "list", "Limit write rate (bytes per second) to a device",
               parseBytesRate);
    parsedList(flags, &o.read_iops, "device-read-iops", "list", "Limit read rate (IO per second) from a device",
               parseOperationsRate);
    parsedList(flags, &o.write_iops, "device-write-iops", "list", "Limit write rate (IO per second) to a device",
               parseOperationsRate);
    parsedList(flags, &o.gpus, "gpus", "gpu-request", "GPU devices to add to the container ('all' to pass all GPUs)",
               parseGpus);
    flags.list(&o.devices, "device", '\0', "Add a host device to the container");
    checkedList(flags, &o.device_cgroup_rules, "device-cgroup-rule", '\0',
                "Add a rule to the cgroup allowed devices list", checkDeviceRule);
    for (const auto& [name, type] : {std::pair{"cpu-count", "int"},
                                     {"cpu-percent", "int"},
                                     {"io-maxbandwidth", "bytes"},
                                     {"io-maxiops", "uint"}}) {
        const std::string flag = name;
        flags
            .custom([&o, flag](const std::string&) { o.windows_only.push_back(flag); }, flag, '\0', type,
                    "(Windows only)")
            .hide();
    }
}

void declareStorage(FlagSet& flags, RunOptions& o) {
    flags.list(&o.volumes, "volume", 'v', "Bind mount a volume")
        .list(&o.tmpfs, "tmpfs", '\0', "Mount a tmpfs directory")
        .list(&o.volumes_from, "volumes-from", '\0', "Mount volumes from the specified container(s)")
        .string(&o.volume_driver, "volume-driver", '\0', "Optional volume driver for the container")
        .list(&o.storage_opts, "storage-opt", '\0', "Storage driver options for the container")
        .boolean(&o.use_api_socket, "use-api-socket", '\0', "Bind mount the API socket");
    parsedList(flags, &o.mounts, "mount", "mount", "Attach a filesystem mount to the container", parseMount);
}

void declareNetwork(FlagSet& flags, RunOptions& o) {
    parsedList(flags, &o.networks, "network", "network", "Connect a container to a network", parseNetwork);
    parsedList(flags, &o.networks, "net", "network", "Connect a container to a network", parseNetwork);
    flags.hide()
        .list(&o.aliases, "network-alias", '\0', "Add network-scoped alias for the container")
        .list(&o.aliases, "net-alias", '\0', "Add network-scoped alias for the container")
        .hide()
        .list(&o.link_local_ips, "link-local-ip", '\0', "Container IPv4/IPv6 link-local addresses")
        .string(&o.ip, "ip", '\0', "IPv4 address (e.g., 172.30.100.104)")
        .string(&o.ip6, "ip6", '\0', "IPv6 address (e.g., 2001:db8::33)")
        .string(&o.mac_address, "mac-address", '\0', "Container MAC address (e.g., 92:d0:c6:0a:29:33)")
        .list(&o.publish, "publish", 'p', "Publish a container's port(s) to the host")
        .list(&o.expose, "expose", '\0', "Expose a port or a range of ports")
        .boolean(&o.publish_all, "publish-all", 'P', "Publish all exposed ports to random ports")
        .list(&o.dns_options, "dns-option", '\0', "Set DNS options")
        .list(&o.dns_options, "dns-opt", '\0', "Set DNS options")
        .hide()
        .list(&o.dns_search, "dns-search", '\0', "Set custom DNS search domains");
    checkedList(flags, &o.dns, "dns", '\0', "Set custom DNS servers", checkIpAddress);
    checkedList(flags, &o.links, "link", '\0', "Add link to another container", checkLink);
    checkedList(flags, &o.extra_hosts, "add-host", '\0', "Add a custom host-to-IP mapping (host:ip)", checkExtraHost);
}

}  // namespace

void declareRunFlags(FlagSet& flags, RunOptions& options, bool run) {
    flags.interspersed(false);
    if (run)
        flags.boolean(&options.detach, "detach", 'd', "Run container in background and print container ID")
            .boolean(&options.sig_proxy, "sig-proxy", '\0', "Proxy received signals to the process")
            .string(&options.detach_keys, "detach-keys", '\0', "Override the key sequence for detaching a container");
    declareProcess(flags, options);
    declareLifecycle(flags, options);
    declareHealth(flags, options);
    declareSecurity(flags, options);
    declareMemoryAndCpu(flags, options);
    declareDevices(flags, options);
    declareStorage(flags, options);
    declareNetwork(flags, options);
    flags.string(&options.log_driver, "log-driver", '\0', "Logging driver for the container")
        .list(&options.log_opts, "log-opt", '\0', "Log driver options");
}

}  // namespace davit::cli
