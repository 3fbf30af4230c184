// Usage: what a container's control groups have counted, v1 and v2, in Docker's units. Reading needs no privilege and no
// shim; a controller that this kernel lacks gives zeros. Threads: any.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "linux/cgroup.hpp"

namespace davit::runtime {

struct CpuUsage {
    std::uint64_t total = 0;                ///< nanoseconds
    std::vector<std::uint64_t> per_cpu;     ///< nanoseconds; v1 only
    std::uint64_t user = 0;                 ///< nanoseconds
    std::uint64_t kernel = 0;               ///< nanoseconds
    std::uint64_t periods = 0;
    std::uint64_t throttled_periods = 0;
    std::uint64_t throttled_time = 0;       ///< nanoseconds
};

struct MemoryUsage {
    std::uint64_t usage = 0;
    std::optional<std::uint64_t> max_usage;  ///< v1 only
    std::optional<std::uint64_t> failures;   ///< v1: failcnt, v2: memory.events' oom
    std::uint64_t limit = 0;                 ///< the host's memory when there is none
    std::map<std::string, std::uint64_t> details;  ///< memory.stat
};

/// One line of Docker's blkio_stats.
struct BlockIo {
    std::uint64_t major = 0;
    std::uint64_t minor = 0;
    std::string operation;  ///< v1: "Read", "Write" …; v2: "read", "write"
    std::uint64_t value = 0;
};

struct Usage {
    CpuUsage cpu;
    MemoryUsage memory;
    std::uint64_t processes = 0;
    std::optional<std::uint64_t> process_limit;  ///< absent: none
    std::vector<BlockIo> io_bytes;
    std::vector<BlockIo> io_count;
};

/// `path` as of cgroupPath(). A group that is gone gives zeros.
[[nodiscard]] Usage readUsage(const linux::CgroupLayout& layout, const std::string& path);

/// What one interface has moved.
struct InterfaceUsage {
    std::uint64_t rx_bytes = 0, rx_packets = 0, rx_errors = 0, rx_dropped = 0;
    std::uint64_t tx_bytes = 0, tx_packets = 0, tx_errors = 0, tx_dropped = 0;
};

/// The interfaces of a network namespace by name, from the text of its /proc/PID/net/dev.
[[nodiscard]] std::map<std::string, InterfaceUsage> parseInterfaces(const std::string& text);

/// Nanoseconds that all processors of this host have spent, idle ones included, from the text of /proc/stat.
[[nodiscard]] std::uint64_t parseSystemCpu(const std::string& text);

}  // namespace davit::runtime
