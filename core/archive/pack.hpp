// Packing trees into tar streams, by descriptor: sorted by name, hard links kept, xattrs (with security.capability),
// holes, nanoseconds. The same tree gives the same bytes. Sockets are left out, as Docker does.
//
// Memory: the names of one directory per level and one path per file of whose links some are still to come. Depth is
// bounded by neither stack, descriptors nor PATH_MAX. A file that changes while it is packed gives a member of the size
// that it had at its turn. Any thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_stream.hpp"
#include "driver/storage_driver.hpp"

namespace davit::archive {

struct PackOptions {
    std::vector<IdMap> uid_maps{};  ///< ids on disk are host ids; the archive gets container ids. Empty: as they are
    std::vector<IdMap> gid_maps{};
    std::string prefix{};  ///< put before every name, with its "/"; when not empty the root gets a member of this name
    bool overlay = false;  ///< the tree is an overlayfs upper directory: its marks become OCI whiteouts
    /// Paths ("etc/hosts", no leading slash) for which it says true are left out with all that is below. May be empty.
    std::function<bool(std::string_view)> exclude{};
};

/// The whole tree below `root_fd`, with the end mark.
void packTree(int root_fd, ByteSink& tar, const PackOptions& options = {});

/// What stands at `path` within the root (parents followed in-root, the last name not), named `name` in the archive; a
/// directory with all below it. Missing: Error{not_found}.
void packPath(int root_fd, const std::string& path, const std::string& name, ByteSink& tar,
              const PackOptions& options = {});

/// The changed members of `changes` (as compareTrees gives them) taken from the tree, deleted ones as ".wh." members.
void packLayer(int root_fd, const std::vector<LayerChange>& changes, ByteSink& tar, const PackOptions& options = {});

}  // namespace davit::archive
