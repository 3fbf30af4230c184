// The words of mount(8) options: which are flags, which are propagation, which are data for the file system.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace davit::linux {

/// What a list of option words means.
struct MountOptions {
    std::uint64_t set = 0;              ///< MS_* flags to set
    std::uint64_t clear = 0;            ///< MS_* flags that a word such as "rw" or "dev" clears
    std::uint64_t propagation = 0;      ///< MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE, perhaps with MS_REC; 0: none
    std::uint64_t recursive_set = 0;    ///< MOUNT_ATTR_* for the whole tree ("rro", "rnosuid", …)
    std::uint64_t recursive_clear = 0;  ///< "rrw", "rsuid", …
    bool bind = false;
    bool recursive_bind = false;
    std::string data;      ///< the other words, joined with commas
};

[[nodiscard]] MountOptions parseMountOptions(const std::vector<std::string>& words);

/// Parses a propagation word ("rslave"); 0 when it is none.
[[nodiscard]] std::uint64_t parsePropagation(std::string_view word);

/// MS_RDONLY, MS_NOSUID, … as the MOUNT_ATTR_* of mount_setattr(2). Access-time flags are included.
[[nodiscard]] std::uint64_t mountAttributes(std::uint64_t flags);

}  // namespace davit::linux
