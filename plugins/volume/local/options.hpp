// The options of a local volume: Docker's type, o and device, and davit's size and inodes. Pure. Texts are those of Docker's driver.
#pragma once

#include <cstdint>
#include <string>

#include "driver/driver.hpp"

namespace davit::local {

struct Limits {
    std::int64_t bytes = 0;   ///< 0: none
    std::int64_t inodes = 0;  ///< 0: none

    [[nodiscard]] bool any() const noexcept { return bytes != 0 || inodes != 0; }
    bool operator==(const Limits&) const = default;
};

/// What is mounted while a volume is in use; nothing for one that is a directory.
struct MountOptions {
    std::string type;    ///< "" with o=bind
    std::string device;
    std::string words;   ///< "o"

    [[nodiscard]] bool any() const noexcept { return !type.empty() || !device.empty(); }
};

struct VolumeOptions {
    MountOptions mount;
    Limits limits;
};

/// Throws Error{invalid} for what isn't known, is missing or makes no sense.
[[nodiscard]] VolumeOptions parseOptions(const Options& options);

/// Docker's rule for names of local volumes. Throws Error{invalid}.
void checkName(const std::string& name);

/// A snapshot's name: as a volume's, but one letter will do.
void checkSnapshotName(const std::string& name);

}  // namespace davit::local
