// What the kernel says is mounted: from /proc/self/mountinfo, which never waits for a file system. Any thread.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace davit::local {

struct MountEntry {
    std::string target;
    std::string root;  ///< the directory of the file system that is mounted there
    std::string type;
    unsigned device_major = 0;  ///< 0: no block device
};

/// The one on top; `target` as the kernel names it.
[[nodiscard]] std::optional<MountEntry> mountAt(const std::filesystem::path& target);
/// Those below a directory.
[[nodiscard]] std::vector<MountEntry> mountsBelow(const std::filesystem::path& directory);

}  // namespace davit::local
