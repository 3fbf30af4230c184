#include <algorithm>

#include "base/check.hpp"
#include "linux/device_filter.hpp"
#include "runtime/plan_compiler.hpp"

namespace davit::runtime {
namespace {

using linux::CgroupHierarchy;
using linux::CgroupLayout;
using linux::CgroupWrite;
using linux::DeviceAccessRule;

/// What every container may use, whatever its rules say: the devices that the runtime itself provides.
const std::vector<DeviceAccessRule>& providedDevices() {
    static const std::vector<DeviceAccessRule> rules{
        {true, 'c', {}, {}, "m"},     {true, 'b', {}, {}, "m"},      {true, 'c', 1, 3, "rwm"}, {true, 'c', 1, 5, "rwm"},
        {true, 'c', 1, 7, "rwm"},     {true, 'c', 1, 8, "rwm"},      {true, 'c', 1, 9, "rwm"}, {true, 'c', 5, 0, "rwm"},
        {true, 'c', 5, 1, "rwm"},     {true, 'c', 5, 2, "rwm"},      {true, 'c', 136, {}, "rwm"},
        {true, 'c', 10, 200, "rwm"},
    };
    return rules;
}

std::optional<std::uint32_t> deviceNumber(const std::optional<std::int64_t>& number) {
    if (!number || *number < 0) return std::nullopt;
    return static_cast<std::uint32_t>(*number);
}

std::vector<DeviceAccessRule> deviceRules(const oci::Resources& resources) {
    std::vector<DeviceAccessRule> rules;
    for (const oci::DeviceRule& rule : resources.devices) {
        const char type = rule.type.empty() ? 'a' : rule.type.front();
        rules.push_back({rule.allow, type, deviceNumber(rule.major), deviceNumber(rule.minor),
                         rule.access.empty() ? "rwm" : rule.access});
    }
    const bool everything = !rules.empty() && rules.back().allow && linux::deviceLine(rules.back()) == "a";
    if (!everything) rules.insert(rules.end(), providedDevices().begin(), providedDevices().end());
    return rules;
}

/// Collects writes for the groups of one container.
class Limits {
  public:
    Limits(const CgroupLayout& layout, const std::string& cgroups_path) : layout_(layout), path_(cgroups_path) {}

    void add(std::string_view controller, const char* file, std::string value, bool optional = false) {
        const CgroupHierarchy* hierarchy = layout_.find(controller);
        if (hierarchy == nullptr && layout_.unified) hierarchy = &layout_.hierarchies.front();
        if (hierarchy == nullptr) return;  // the kernel lacks the controller; create has warned
        writes_.push_back({cgroupDirectory(*hierarchy, path_), file, std::move(value), optional});
    }
    template <typename Number>
    void add(std::string_view controller, const char* file, const std::optional<Number>& value, bool optional = false) {
        if (value) add(controller, file, std::to_string(*value), optional);
    }
    [[nodiscard]] const std::vector<CgroupWrite>& writes() const { return writes_; }

  private:
    const CgroupLayout& layout_;
    const std::string& path_;
    std::vector<CgroupWrite> writes_;
};

std::string pids(std::int64_t limit) { return limit > 0 ? std::to_string(limit) : "max"; }

void addThrottles(Limits& limits, const char* file, const std::vector<oci::BlockDeviceValue>& devices) {
    for (const oci::BlockDeviceValue& device : devices)
        limits.add("blkio", file, fmt::format("{}:{} {}", device.major, device.minor, device.value));
}

void memoryV1(Limits& limits, const oci::MemoryLimits& memory) {
    limits.add("memory", "memory.limit_in_bytes", memory.limit);
    // Absent when the kernel doesn't account swap.
    limits.add("memory", "memory.memsw.limit_in_bytes", memory.swap, true);
    limits.add("memory", "memory.soft_limit_in_bytes", memory.reservation);
    limits.add("memory", "memory.kmem.tcp.limit_in_bytes", memory.kernel_tcp, true);
    limits.add("memory", "memory.swappiness", memory.swappiness, true);
    if (memory.disable_oom_killer.value_or(false)) limits.add("memory", "memory.oom_control", std::string("1"), true);
}

void limitsV1(Limits& limits, const oci::Resources& resources) {
    memoryV1(limits, resources.memory);
    const oci::CpuLimits& cpu = resources.cpu;
    limits.add("cpu", "cpu.shares", cpu.shares);
    limits.add("cpu", "cpu.cfs_period_us", cpu.period);
    limits.add("cpu", "cpu.cfs_quota_us", cpu.quota);
    limits.add("cpu", "cpu.rt_period_us", cpu.realtime_period, true);
    limits.add("cpu", "cpu.rt_runtime_us", cpu.realtime_runtime, true);
    if (!cpu.cpus.empty()) limits.add("cpuset", "cpuset.cpus", cpu.cpus);
    if (!cpu.mems.empty()) limits.add("cpuset", "cpuset.mems", cpu.mems);
    if (resources.pids_limit) limits.add("pids", "pids.max", pids(*resources.pids_limit));
    const oci::BlockIoLimits& io = resources.block_io;
    limits.add("blkio", "blkio.weight", io.weight, true);
    addThrottles(limits, "blkio.throttle.read_bps_device", io.throttle_read_bps);
    addThrottles(limits, "blkio.throttle.write_bps_device", io.throttle_write_bps);
    addThrottles(limits, "blkio.throttle.read_iops_device", io.throttle_read_iops);
    addThrottles(limits, "blkio.throttle.write_iops_device", io.throttle_write_iops);
    for (const oci::BlockDeviceValue& device : io.weight_device)
        limits.add("blkio", "blkio.weight_device", fmt::format("{}:{} {}", device.major, device.minor, device.value), true);
}

std::string orMax(std::int64_t value) { return value < 0 ? "max" : std::to_string(value); }

void memoryV2(Limits& limits, const oci::MemoryLimits& memory) {
    if (memory.limit) limits.add("memory", "memory.max", orMax(*memory.limit));
    if (memory.reservation) limits.add("memory", "memory.low", orMax(*memory.reservation));
    if (!memory.swap) return;
    // v1 counts memory and swap together, v2 swap alone.
    const bool bounded = *memory.swap >= 0 && memory.limit && *memory.limit >= 0;
    if (bounded && *memory.swap < *memory.limit)
        throw error(Code::invalid, "memory+swap limit should be >= memory limit");
    limits.add("memory", "memory.swap.max", bounded ? std::to_string(*memory.swap - *memory.limit) : "max", true);
}

void addIoMax(Limits& limits, const char* key, const std::vector<oci::BlockDeviceValue>& devices) {
    for (const oci::BlockDeviceValue& device : devices)
        limits.add("io", "io.max", fmt::format("{}:{} {}={}", device.major, device.minor, key, device.value));
}

/// The bfq scheduler has a file and a scale of its own, and which of the two counts is each disk's affair.
void addIoWeights(Limits& limits, const oci::BlockIoLimits& io) {
    const auto add = [&](const std::string& device, std::uint64_t weight) {
        limits.add("io", "io.bfq.weight", fmt::format("{} {}", device, weight), true);
        limits.add("io", "io.weight", fmt::format("{} {}", device, linux::blkioToIoWeight(weight)), true);
    };
    if (io.weight && *io.weight != 0) add("default", *io.weight);
    for (const oci::BlockDeviceValue& device : io.weight_device)
        add(fmt::format("{}:{}", device.major, device.minor), device.value);
}

void limitsV2(Limits& limits, const oci::Resources& resources) {
    memoryV2(limits, resources.memory);
    const oci::CpuLimits& cpu = resources.cpu;
    if (cpu.shares && *cpu.shares != 0)
        limits.add("cpu", "cpu.weight", std::to_string(linux::cpuSharesToWeight(*cpu.shares)));
    if (cpu.quota || cpu.period) {
        const std::string quota = cpu.quota && *cpu.quota > 0 ? std::to_string(*cpu.quota) : "max";
        limits.add("cpu", "cpu.max", fmt::format("{} {}", quota, cpu.period.value_or(100000)));
    }
    if (!cpu.cpus.empty()) limits.add("cpuset", "cpuset.cpus", cpu.cpus);
    if (!cpu.mems.empty()) limits.add("cpuset", "cpuset.mems", cpu.mems);
    if (resources.pids_limit) limits.add("pids", "pids.max", pids(*resources.pids_limit));
    const oci::BlockIoLimits& io = resources.block_io;
    addIoWeights(limits, io);
    addIoMax(limits, "rbps", io.throttle_read_bps);
    addIoMax(limits, "wbps", io.throttle_write_bps);
    addIoMax(limits, "riops", io.throttle_read_iops);
    addIoMax(limits, "wiops", io.throttle_write_iops);
    for (const auto& [file, value] : resources.unified) {
        if (file.find('/') != std::string::npos) throw error(Code::invalid, "unified resource {} must be a file name", file);
        limits.add("", file.c_str(), value);
    }
}

void compileDevices(PlanBuilder& builder, Limits& limits, const CgroupLayout& layout, const oci::RuntimeSpec& spec,
                    const std::string& path, plan::Launch& launch) {
    const std::vector<DeviceAccessRule> rules = deviceRules(spec.os.resources);
    if (layout.unified) {
        launch.device_filter = builder.bytes(linux::compileDeviceFilter(rules), 8);
        launch.device_cgroup = builder.text(cgroupDirectory(layout.hierarchies.front(), path));
        return;
    }
    for (const DeviceAccessRule& rule : rules) {
        const std::string line = linux::deviceLine(rule);
        // A new group allows what its parent does: allowing everything is no write.
        if (line == "a" && rule.allow) continue;
        limits.add("devices", rule.allow ? "devices.allow" : "devices.deny", line);
    }
}

void describeFiles(PlanBuilder& builder, const CgroupLayout& layout, const std::string& path, plan::Launch& launch) {
    const CgroupHierarchy* memory = layout.find("memory");
    if (memory != nullptr)
        launch.oom_file = builder.text(cgroupDirectory(*memory, path) + (layout.unified ? "/memory.events" : "/memory.oom_control"));
    const CgroupHierarchy* freezer = layout.unified ? &layout.hierarchies.front() : layout.find("freezer");
    if (freezer == nullptr) return;
    launch.freeze_v2 = layout.unified;
    launch.freeze_file = builder.text(cgroupDirectory(*freezer, path) + (layout.unified ? "/cgroup.freeze" : "/freezer.state"));
}

}  // namespace

std::string cgroupDirectory(const CgroupHierarchy& hierarchy, const std::string& cgroups_path) {
    return hierarchy.mount_point + (cgroups_path.starts_with('/') ? "" : "/") + cgroups_path;
}

std::vector<CgroupWrite> limitWrites(const CgroupLayout& layout, const std::string& cgroups_path, const oci::Resources& resources) {
    Limits limits(layout, cgroups_path);
    if (layout.unified) limitsV2(limits, resources);
    else limitsV1(limits, resources);
    return limits.writes();
}

void compileCgroups(PlanBuilder& builder, const oci::RuntimeSpec& spec, const std::string& id, const CgroupLayout& layout,
                    plan::Launch& launch) {
    if (layout.hierarchies.empty()) return;
    const std::string path = spec.os.cgroups_path.empty() ? "/davit/" + id : spec.os.cgroups_path;
    if (path.find("..") != std::string::npos) throw error(Code::invalid, "invalid cgroup path: {}", path);
    std::vector<plan::CgroupDirectory> directories;
    for (const CgroupHierarchy& hierarchy : layout.hierarchies)
        directories.push_back({builder.text(cgroupDirectory(hierarchy, path)), builder.text(hierarchy.mount_point)});
    launch.cgroup_directories = builder.list(directories);
    Limits limits(layout, path);
    if (layout.unified) limitsV2(limits, spec.os.resources);
    else limitsV1(limits, spec.os.resources);
    compileDevices(builder, limits, layout, spec, path, launch);
    std::vector<plan::CgroupWrite> writes;
    for (const CgroupWrite& write : limits.writes())
        writes.push_back({builder.text(write.directory + "/" + write.file), builder.text(write.value), write.optional});
    launch.cgroup_writes = builder.list(writes);
    describeFiles(builder, layout, path, launch);
}

}  // namespace davit::runtime
