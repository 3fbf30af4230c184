// Changing the limits of a running container: writes to its control groups, v1 and v2. Threads: any; the caller sees to it that
// of one container one change is under way.
#pragma once

#include <string>
#include <vector>

#include "linux/cgroup.hpp"
#include "runtime/container_config.hpp"

namespace davit::runtime {

/// What to write for these limits in the groups at `path` (of cgroupPath()). Throws Error{invalid} for what can't be together.
[[nodiscard]] std::vector<linux::CgroupWrite> resourceWrites(const linux::CgroupLayout& layout, const std::string& path,
                                                             const Resources& resources);

/// Writes them. A limit that the kernel refuses while another one stands, as memory and memory with swap do, is written after
/// that one. Throws Error::system; some are written then.
void applyWrites(std::vector<linux::CgroupWrite> writes);

}  // namespace davit::runtime
