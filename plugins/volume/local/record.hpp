// VolumeRecord: what the driver must know of a volume, volume.json in its directory. The name of a volume is its directory's, so
// that one rename renames it. Values; any thread.
#pragma once

#include <string>
#include <string_view>

#include "options.hpp"

namespace davit::local {

struct VolumeRecord {
    Options options;           ///< as given at its creation
    std::string created;       ///< RFC 3339
    std::string space;         ///< Space::name(); empty: content of a file system that the user named
    Limits limits;             ///< as they are now
    std::string source;        ///< of a clone: the volume that it was made of
    std::string snapshot;      ///< of a clone: and its snapshot
    std::string renamed_from;  ///< its last name before
};

[[nodiscard]] std::string encode(const VolumeRecord& record);
/// Throws Error for what encode() can't have written.
[[nodiscard]] VolumeRecord decode(std::string_view text);

}  // namespace davit::local
