// Unpacking a tar below a directory, by descriptor.
//
// The rules (SEC-20 to SEC-23, SEC-26):
//   - Every path is resolved with openat2(RESOLVE_IN_ROOT): links, absolute ones too, end inside the root. The last
//   name is
//     never followed. Ownership, mode, times and xattrs are set by descriptor or by (parent descriptor, name).
//   - A name with a ".." component is Error{invalid} before that member touches anything; "." and "/" mean the root
//   itself,
//     whose metadata is applied. Absolute names and hard link targets are taken from the root.
//   - What is in the way is removed first, except that a directory stays a directory.
//   - xattrs of overlayfs (trusted.overlay.*, user.overlay.*) in an archive are left out.
//   - No program, no NSS and no character set conversion takes part: ids are numbers and names are bytes.
// Memory: constant, except 16 bytes per member with Whiteouts::remove.
// Any thread; one call has the tree for itself as far as unpackers go. A failure leaves a part of the tree behind.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/byte_stream.hpp"
#include "driver/storage_driver.hpp"

namespace davit::archive {

/// What the OCI names ".wh.x" and ".wh..wh..opq" in an archive turn into.
enum class Whiteouts {
    plain,    ///< nothing special: ordinary files (docker cp)
    remove,   ///< x, or what the directory had before this archive, is removed (plain trees: vfs, btrfs)
    overlay,  ///< the marks of overlayfs: a 0:0 character device, the xattr "opaque"
};

struct UnpackOptions {
    Whiteouts whiteouts = Whiteouts::remove;
    bool user_xattrs = false;       ///< overlay marks as user.overlay.* (a mount in a user namespace)
    std::vector<IdMap> uid_maps{};  ///< ids in the archive are container ids; empty: as they are
    std::vector<IdMap> gid_maps{};
    std::string base{};       ///< directory within the root that names are relative to; followed in-root; must exist
    bool keep_types = false;  ///< a directory over a non-directory or the reverse is Error{conflict} (docker cp)
    bool ownership = true;    ///< false: new files belong to the caller
    std::int64_t size_limit = 0;  ///< more content than this is Error{invalid}; 0: no limit
    /// Lower layers' roots, nearest first: a hard link whose target isn't in the tree is copied from there (overlay).
    std::vector<int> lowers{};
};

/// Unpacks an uncompressed tar and reads the source to its end. Returns the sum of the regular files' sizes.
std::int64_t unpackLayer(ByteSource& tar, int root_fd, const UnpackOptions& options);

}  // namespace davit::archive
