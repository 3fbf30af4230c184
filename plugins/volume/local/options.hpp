// VolumeOptions: what a user may say of a volume (Docker's type, o, device and size; inodes beyond them), and the names that
// volumes and snapshots may have. Values; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "driver/driver.hpp"

namespace davit::local {

/// The most that a volume may hold; 0: no limit.
struct Limits {
    std::int64_t size = 0;  ///< bytes
    std::int64_t inodes = 0;
    [[nodiscard]] bool any() const noexcept { return size != 0 || inodes != 0; }
    bool operator==(const Limits&) const = default;
};

struct VolumeOptions {
    std::string type;                ///< of the file system; empty: a volume of the driver's own
    std::string device;              ///< what is mounted
    std::vector<std::string> words;  ///< of "o"
    Limits limits;

    /// Whether the content is that of a file system which the user named.
    [[nodiscard]] bool foreign() const noexcept { return !type.empty(); }
    /// Whether a limit can only be one of the mount's own options.
    [[nodiscard]] bool inMemory() const noexcept { return type == "tmpfs"; }
};

/// Throws Error{invalid} with Docker's texts for unknown options and missing ones.
[[nodiscard]] VolumeOptions parseOptions(const Options& given);

/// The words of the mount: for tmpfs with the limits among them.
[[nodiscard]] std::vector<std::string> mountWords(const VolumeOptions& options, const Limits& limits);

/// Docker's rule: no name is a path.
[[nodiscard]] bool isVolumeName(const std::string& name) noexcept;
/// Docker's texts, Error{invalid}.
void checkVolumeName(const std::string& name);
void checkSnapshotName(const std::string& name);

}  // namespace davit::local
