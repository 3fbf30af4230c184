#include "runtime/resource_validation.hpp"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <regex>

#include "base/check.hpp"
#include "base/file.hpp"
#include "linux/cgroup.hpp"

namespace davit::runtime {
namespace {

constexpr std::int64_t kMinimumMemory = 6LL << 20;

// What this host's control groups can bound. Files are looked for, not kernel versions.
struct Abilities {
    bool memory = false;
    bool swap = false;
    bool swappiness = false;
    bool oom_kill_disable = false;
    bool pids = false;
    bool cpu_shares = false;
    bool cpu_quota = false;
    bool cpu_realtime = false;
    bool cpuset = false;
    bool io_weight = false;
    bool io_throttle = false;
};

bool hasFile(const linux::CgroupLayout& layout, std::string_view controller, std::string_view file) {
    const auto* hierarchy = layout.find(controller);
    return hierarchy != nullptr && ::access((hierarchy->mount_point + "/" + std::string(file)).c_str(), F_OK) == 0;
}

Abilities findAbilities() {
    const auto& layout = linux::hostCgroupLayout();
    const auto has = [&](std::string_view controller) { return layout.find(controller) != nullptr; };
    if (layout.unified)  // the root group has no limit files: what a controller's presence implies
        return {.memory = has("memory"),
                .swap = has("memory") && ::access("/proc/swaps", F_OK) == 0,
                .pids = has("pids"),
                .cpu_shares = has("cpu"),
                .cpu_quota = has("cpu"),
                .cpuset = has("cpuset"),
                .io_weight = has("io"),
                .io_throttle = has("io")};
    return {.memory = hasFile(layout, "memory", "memory.limit_in_bytes"),
            .swap = hasFile(layout, "memory", "memory.memsw.limit_in_bytes"),
            .swappiness = hasFile(layout, "memory", "memory.swappiness"),
            .oom_kill_disable = hasFile(layout, "memory", "memory.oom_control"),
            .pids = has("pids"),
            .cpu_shares = hasFile(layout, "cpu", "cpu.shares"),
            .cpu_quota = hasFile(layout, "cpu", "cpu.cfs_quota_us"),
            .cpu_realtime = hasFile(layout, "cpu", "cpu.rt_runtime_us"),
            .cpuset = has("cpuset"),
            .io_weight = hasFile(layout, "blkio", "blkio.weight") || hasFile(layout, "blkio", "blkio.bfq.weight"),
            .io_throttle = hasFile(layout, "blkio", "blkio.throttle.read_bps_device")};
}

const Abilities& abilities() {
    static const Abilities found = findAbilities();
    return found;
}

using Warnings = std::vector<std::string>;

void checkMemory(Resources& r, Warnings& warnings) {
    if (r.memory != 0 && r.memory < kMinimumMemory)
        throw error(Code::invalid, "Minimum memory limit allowed is 6MB");
    if (r.memory > 0 && !abilities().memory) {
        warnings.emplace_back(
            "Your kernel does not support memory limit capabilities or the cgroup is not mounted. Limitation discarded.");
        r.memory = 0;
        r.memory_swap = -1;
    }
    if (r.memory > 0 && r.memory_swap > 0 && r.memory_swap < r.memory)
        throw error(Code::invalid, "Minimum memoryswap limit should be larger than memory limit, see usage");
    if (r.memory == 0 && r.memory_swap > 0)
        throw error(Code::invalid, "You should always set the Memory limit when using Memoryswap limit, see usage");
    if (r.memory > 0 && r.memory_swap == 0) r.memory_swap = r.memory * 2;
    if (r.memory > 0 && r.memory_swap != -1 && !abilities().swap) {
        warnings.emplace_back(
            "Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.");
        r.memory_swap = -1;
    }
    if (r.memory_reservation > 0 && r.memory_reservation < kMinimumMemory)
        throw error(Code::invalid, "Minimum memory reservation allowed is 6MB");
    if (r.memory > 0 && r.memory_reservation > 0 && r.memory < r.memory_reservation)
        throw error(Code::invalid, "Minimum memory limit can not be less than memory reservation limit, see usage");
}

void checkSwappinessAndOom(Resources& r, Warnings& warnings) {
    if (r.memory_swappiness && (*r.memory_swappiness < -1 || *r.memory_swappiness > 100))
        throw error(Code::invalid, "Invalid value: {}, valid memory swappiness range is 0-100", *r.memory_swappiness);
    if (r.memory_swappiness.value_or(-1) != -1 && !abilities().swappiness) {
        warnings.emplace_back(
            "Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. Memory swappiness "
            "discarded.");
        r.memory_swappiness.reset();
    }
    if (r.memory_swappiness == -1) r.memory_swappiness.reset();
    if (!r.oom_kill_disable.value_or(false)) return;
    if (!abilities().oom_kill_disable) {
        warnings.emplace_back("Your kernel does not support OomKillDisable. OomKillDisable discarded.");
        r.oom_kill_disable.reset();
    } else if (r.memory == 0) {
        warnings.emplace_back(
            "OOM killer is disabled for the container, but no memory limit is set, this can result in the system running "
            "out of resources.");
    }
}

void checkNanoCpus(const Resources& r) {
    if (r.nano_cpus == 0) return;
    if (r.cpu_period > 0)
        throw error(Code::invalid, "Conflicting options: Nano CPUs and CPU Period cannot both be set.");
    if (r.cpu_quota > 0)
        throw error(Code::invalid, "Conflicting options: Nano CPUs and CPU Quota cannot both be set.");
    const std::int64_t cpus = ::sysconf(_SC_NPROCESSORS_CONF);
    if (r.nano_cpus < 10'000'000 || r.nano_cpus > cpus * 1'000'000'000)
        throw error(Code::invalid, "Range of CPUs is from 0.01 to {}.00, as there are only {} CPUs available", cpus, cpus);
}

void discard(bool supported, std::int64_t& value, std::string_view warning, Warnings& warnings) {
    if (supported || value == 0) return;
    warnings.emplace_back(warning);
    value = 0;
}

void checkCpu(Resources& r, Warnings& warnings) {
    checkNanoCpus(r);
    if (r.cpu_shares < 0)
        throw error(Code::invalid, "The minimum allowed cpu-shares is 2");
    if (r.cpu_period != 0 && (r.cpu_period < 1000 || r.cpu_period > 1'000'000))
        throw error(Code::invalid,
                    "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
    if (r.cpu_quota > 0 && r.cpu_quota < 1000)
        throw error(Code::invalid, "CPU cfs quota can not be less than 1ms (i.e. 1000)");
    if (r.cpu_realtime_period > 0 && r.cpu_realtime_runtime > r.cpu_realtime_period)
        throw error(Code::invalid, "cpu real-time runtime cannot be higher than cpu real-time period");
    if ((r.cpu_realtime_period != 0 || r.cpu_realtime_runtime != 0) && !abilities().cpu_realtime)
        throw error(Code::invalid, "Your kernel does not support CPU real-time scheduler");
    discard(abilities().cpu_shares, r.cpu_shares,
            "Your kernel does not support CPU shares or the cgroup is not mounted. Shares discarded.", warnings);
    discard(abilities().cpu_quota, r.nano_cpus,
            "Your kernel does not support CPU CFS scheduler or the cgroup is not mounted. NanoCPUs discarded.", warnings);
    discard(abilities().cpu_quota, r.cpu_quota,
            "Your kernel does not support CPU CFS quota or the cgroup is not mounted. Quota discarded.", warnings);
}

std::vector<unsigned> parseSet(const std::string& text, std::string_view what) {
    try {
        return linux::parseCpuList(text);
    } catch (const Error&) {
        throw error(Code::invalid, "Invalid value {} for {}", text, what);
    }
}

void checkSet(const std::string& wanted, const char* online_file, std::string_view what, std::string_view plural) {
    if (wanted.empty()) return;
    const auto numbers = parseSet(wanted, what);
    std::string online = readFile(online_file).value_or("0");
    while (!online.empty() && online.back() == '\n') online.pop_back();
    const auto there = linux::parseCpuList(online);
    for (const unsigned number : numbers)
        if (std::find(there.begin(), there.end(), number) == there.end())
            throw error(Code::invalid, "Requested {} are not available - requested {}, available: {}", plural, wanted, online);
}

void checkCpuset(Resources& r, Warnings& warnings) {
    if ((!r.cpuset_cpus.empty() || !r.cpuset_mems.empty()) && !abilities().cpuset) {
        warnings.emplace_back("Your kernel does not support cpuset or the cgroup is not mounted. Cpuset discarded.");
        r.cpuset_cpus.clear();
        r.cpuset_mems.clear();
    }
    checkSet(r.cpuset_cpus, "/sys/devices/system/cpu/online", "cpuset cpus", "CPUs");
    checkSet(r.cpuset_mems, "/sys/devices/system/node/online", "cpuset mems", "memory nodes");
}

void checkBlockDevices(const std::vector<ThrottleDevice>& devices) {
    for (const ThrottleDevice& device : devices) {
        struct stat info {};
        if (::stat(device.path.c_str(), &info) < 0)
            throw Error(Code::invalid, fmt::format("stat {}: no such file or directory", device.path));
        if (!S_ISBLK(info.st_mode)) throw error(Code::invalid, "{} is not a block device", device.path);
    }
}

void checkBlockIo(Resources& r, Warnings& warnings) {
    if (r.blkio_weight != 0 && (r.blkio_weight < 10 || r.blkio_weight > 1000))
        throw error(Code::invalid, "Range of blkio weight is from 10 to 1000");
    if (r.blkio_weight != 0 && !abilities().io_weight) {
        warnings.emplace_back(
            "Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.");
        r.blkio_weight = 0;
    }
    if (!r.blkio_weight_device.empty() && !abilities().io_weight) {
        warnings.emplace_back(
            "Your kernel does not support Block I/O weight_device or the cgroup is not mounted. Weight-device discarded.");
        r.blkio_weight_device.clear();
    }
    for (auto* list : {&r.blkio_device_read_bps, &r.blkio_device_write_bps, &r.blkio_device_read_iops,
                       &r.blkio_device_write_iops}) {
        if (!list->empty() && !abilities().io_throttle) {
            warnings.emplace_back(
                "Your kernel does not support Block I/O throttling or the cgroup is not mounted. Limit discarded.");
            list->clear();
        }
        checkBlockDevices(*list);
    }
}

void checkUlimits(const Resources& r) {
    for (const Ulimit& limit : r.ulimits) {
        (void)ulimitNumber(limit.name);
        if (limit.hard != -1 && (limit.soft > limit.hard || limit.soft == -1))
            throw error(Code::invalid, "ulimit soft limit must be less than or equal to hard limit: {} > {}", limit.soft,
                        limit.hard);
    }
}

void checkDevices(const Resources& r) {
    static const std::regex rule(R"(^([acb]) ([0-9]{1,10}|\*):([0-9]{1,10}|\*) ([rwm]{1,3})$)");
    for (const std::string& text : r.device_cgroup_rules)
        if (text.size() > 64 || !std::regex_match(text, rule))
            throw error(Code::invalid, "invalid device cgroup rule format: '{}'", text);
    for (const DeviceMapping& device : r.devices)
        if (device.cgroup_permissions.find_first_not_of("rwm") != std::string::npos)
            throw error(Code::invalid, "invalid device mode: {}", device.cgroup_permissions);
}

}  // namespace

int ulimitNumber(const std::string& name) {
    static constexpr std::array<std::pair<std::string_view, int>, 16> kNames = {{{"core", RLIMIT_CORE},
                                                                                  {"cpu", RLIMIT_CPU},
                                                                                  {"data", RLIMIT_DATA},
                                                                                  {"fsize", RLIMIT_FSIZE},
                                                                                  {"locks", RLIMIT_LOCKS},
                                                                                  {"memlock", RLIMIT_MEMLOCK},
                                                                                  {"msgqueue", RLIMIT_MSGQUEUE},
                                                                                  {"nice", RLIMIT_NICE},
                                                                                  {"nofile", RLIMIT_NOFILE},
                                                                                  {"nproc", RLIMIT_NPROC},
                                                                                  {"rss", RLIMIT_RSS},
                                                                                  {"rtprio", RLIMIT_RTPRIO},
                                                                                  {"rttime", RLIMIT_RTTIME},
                                                                                  {"sigpending", RLIMIT_SIGPENDING},
                                                                                  {"stack", RLIMIT_STACK},
                                                                                  {"as", RLIMIT_AS}}};
    for (const auto& [known, number] : kNames)
        if (known == name) return number;
    throw error(Code::invalid, "invalid ulimit type: {}", name);
}

std::vector<std::string> validateResources(Resources& resources) {
    Warnings warnings;
    checkMemory(resources, warnings);
    checkSwappinessAndOom(resources, warnings);
    checkCpu(resources, warnings);
    checkCpuset(resources, warnings);
    checkBlockIo(resources, warnings);
    checkUlimits(resources);
    checkDevices(resources);
    if (resources.pids_limit.value_or(0) > 0 && !abilities().pids) {
        warnings.emplace_back(
            "Your kernel does not support PIDs limit capabilities or the cgroup is not mounted. PIDs limit discarded.");
        resources.pids_limit.reset();
    }
    return warnings;
}

}  // namespace davit::runtime
