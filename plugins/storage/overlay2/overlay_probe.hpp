// Whether overlayfs works on top of a directory: found out by mounting one and using it. Any thread.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace davit::overlay2 {

struct Probe {
    std::string unsuitable_why;      ///< empty: it works
    std::vector<std::string> flags;  ///< mount options that every overlay here gets
    bool user_xattrs = false;        ///< this process is in a user namespace: marks are user.overlay.*
    bool volatile_mounts = false;    ///< the option "volatile" works
    bool directory_types = false;    ///< readdir tells the types of entries
};

/// Mounts in a namespace of its own and leaves nothing behind. `directory` must exist and be writable. On a full disk nothing
/// can be tried out: a home that holds layers then counts as suitable, since it was when they were made, and only
/// `volatile_mounts` isn't used.
[[nodiscard]] Probe probe(const std::filesystem::path& directory);

}  // namespace davit::overlay2
