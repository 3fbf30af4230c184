// Control groups of a container, v1 and v2: where they are on this host, and what to write for which limit.
//
// Nothing here touches the kernel except hostLayout(): paths and values are computed, the launcher applies them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::linux {

struct CgroupHierarchy {
    std::string mount_point;               ///< "/sys/fs/cgroup/memory"
    std::vector<std::string> controllers;  ///< v1: of this mount ("cpu", "cpuacct", "name=systemd"); v2: the available ones
};

/// The hierarchies that containers are put into. `unified` means pure v2 with one entry. In a hybrid host (controllers on v1
/// and an empty v2 tree beside) only the v1 ones are here.
struct CgroupLayout {
    bool unified = false;
    std::vector<CgroupHierarchy> hierarchies;

    [[nodiscard]] const CgroupHierarchy* find(std::string_view controller) const;
};

/// From the text of /proc/self/mountinfo; `v2_controllers` is the content of cgroup.controllers at the v2 mount.
[[nodiscard]] CgroupLayout parseCgroupLayout(std::string_view mountinfo, std::string_view v2_controllers);

/// This host's, read once.
[[nodiscard]] const CgroupLayout& hostCgroupLayout();

/// One value for one file of a container's cgroup.
struct CgroupWrite {
    std::string directory;   ///< absolute
    std::string file;        ///< "memory.max"
    std::string value;
    bool optional = false;   ///< a kernel without it is tolerated
};

/// 2..262144 CPU shares of v1 to the 1..10000 weight of v2, linearly.
[[nodiscard]] std::uint64_t cpuSharesToWeight(std::uint64_t shares);
/// 10..1000 blkio weight to 1..10000 io.weight.
[[nodiscard]] std::uint64_t blkioToIoWeight(std::uint64_t weight);

/// Parses "0-3,7" strictly; throws Error{invalid}. `limit` bounds every number (SEC-55).
[[nodiscard]] std::vector<unsigned> parseCpuList(std::string_view text, unsigned limit = 8192);

}  // namespace davit::linux
