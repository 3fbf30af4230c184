// Loader: from a .so file to its plugin descriptor. Checks come before dlopen(3), because a shared object's constructors run
// before anything else can be asked.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <vector>

#include "davit/plugin.h"
#include "driver/driver.hpp"

namespace davit::plugin {

/// Which file it is: two equal identities are the same bytes.
struct FileIdentity {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    timespec modified{};
    timespec changed{};
    bool operator==(const FileIdentity& other) const noexcept;
};

/// Refuses what davitd may not load: not absolute, not directly inside one of `directories`, a link that leads elsewhere,
/// not a regular file, owned by somebody else than root or this process's user, writable by group or others; and a
/// directory with such an owner or mode. Throws Error{forbidden} with file and reason, Error{not_found} when it is gone.
[[nodiscard]] FileIdentity checkFile(const std::filesystem::path& file,
                                     const std::vector<std::filesystem::path>& directories);

/// Loads the file for good and returns its descriptor after all checks of it; the descriptor is valid for ever. Throws
/// Error{invalid} naming file and reason (dlopen's text, no entry point, both ABI versions …). `file` is absolute.
///
/// The same file twice is the same descriptor. A file that was replaced under a name that was loaded before is loaded
/// beside the older one. A file that was overwritten in place can't be loaded a second time: Error{conflict}.
[[nodiscard]] const davit_plugin& loadPlugin(const std::filesystem::path& file);

/// The checks of a descriptor alone: magic, major, sizes, names, drivers. Throws Error{invalid}.
void checkDescriptor(const davit_plugin* plugin, const std::string& file);

}  // namespace davit::plugin
