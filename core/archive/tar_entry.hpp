// TarEntry: one member of a tar archive as plain data. Names are bytes, not text: nothing here converts character sets.
#pragma once

#include <sys/types.h>
#include <ctime>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace davit::archive {

struct TarEntry {
    enum class Kind { regular, directory, symlink, hardlink, char_device, block_device, fifo };

    std::string path;  ///< as it stands in the archive, without a trailing slash; empty never
    Kind kind = Kind::regular;
    mode_t mode = 0644;  ///< permission bits with suid, sgid and sticky; no type
    uid_t uid = 0;
    gid_t gid = 0;
    std::int64_t size = 0;  ///< of a regular file, holes included
    timespec mtime{};
    std::optional<timespec> atime;
    std::string link_target;  ///< of symlinks and hard links, as it stands in the archive
    unsigned device_major = 0;
    unsigned device_minor = 0;
    std::map<std::string, std::string> xattrs;  ///< full names ("security.capability") to raw values
};

}  // namespace davit::archive
