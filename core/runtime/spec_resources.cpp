#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/check.hpp"
#include "runtime/spec_parts.hpp"

namespace davit::runtime {
namespace {

// Zero means "not set" in Docker's API.
template <typename To, typename From>
std::optional<To> unlessZero(From value) {
    if (value == 0) return std::nullopt;
    return static_cast<To>(value);
}

oci::BlockDeviceValue blockDevice(const std::string& path, std::uint64_t value) {
    struct stat info {};
    check(::stat(path.c_str(), &info), "stat {}", path);
    return {.major = major(info.st_rdev), .minor = minor(info.st_rdev), .value = value};
}

std::vector<oci::BlockDeviceValue> throttles(const std::vector<ThrottleDevice>& devices) {
    std::vector<oci::BlockDeviceValue> values;
    for (const ThrottleDevice& device : devices) values.push_back(blockDevice(device.path, device.rate));
    return values;
}

oci::MemoryLimits memoryLimits(const Resources& r) {
    oci::MemoryLimits limits;
    limits.limit = unlessZero<std::int64_t>(r.memory);
    limits.reservation = unlessZero<std::int64_t>(r.memory_reservation);
    limits.swap = unlessZero<std::int64_t>(r.memory_swap);
    limits.kernel_tcp = unlessZero<std::int64_t>(r.kernel_memory_tcp);
    if (r.memory_swappiness && *r.memory_swappiness >= 0)
        limits.swappiness = static_cast<std::uint64_t>(*r.memory_swappiness);
    if (r.oom_kill_disable.value_or(false)) limits.disable_oom_killer = true;
    return limits;
}

oci::CpuLimits cpuLimits(const Resources& r) {
    constexpr std::uint64_t kPeriod = 100'000;  // microseconds
    oci::CpuLimits limits;
    limits.shares = unlessZero<std::uint64_t>(r.cpu_shares);
    limits.quota = unlessZero<std::int64_t>(r.cpu_quota);
    limits.period = unlessZero<std::uint64_t>(r.cpu_period);
    if (r.nano_cpus > 0) {
        limits.period = kPeriod;
        limits.quota = r.nano_cpus / 10'000;
    }
    limits.realtime_runtime = unlessZero<std::int64_t>(r.cpu_realtime_runtime);
    limits.realtime_period = unlessZero<std::uint64_t>(r.cpu_realtime_period);
    limits.cpus = r.cpuset_cpus;
    limits.mems = r.cpuset_mems;
    return limits;
}

oci::BlockIoLimits blockIoLimits(const Resources& r) {
    oci::BlockIoLimits limits;
    limits.weight = unlessZero<std::uint16_t>(r.blkio_weight);
    for (const WeightDevice& device : r.blkio_weight_device)
        limits.weight_device.push_back(blockDevice(device.path, device.weight));
    limits.throttle_read_bps = throttles(r.blkio_device_read_bps);
    limits.throttle_write_bps = throttles(r.blkio_device_write_bps);
    limits.throttle_read_iops = throttles(r.blkio_device_read_iops);
    limits.throttle_write_iops = throttles(r.blkio_device_write_iops);
    return limits;
}

}  // namespace

void buildResources(oci::RuntimeSpec& spec, const Resources& resources) {
    oci::Resources& target = spec.os.resources;
    target.memory = memoryLimits(resources);
    target.cpu = cpuLimits(resources);
    target.block_io = blockIoLimits(resources);
    if (resources.pids_limit && *resources.pids_limit != 0)
        target.pids_limit = *resources.pids_limit > 0 ? *resources.pids_limit : -1;
}

}  // namespace davit::runtime
