// What differs between two trees, in Docker's sense: type, mode, owner, device, xattr security.capability; of files
// also size and mtime (seconds when either side has no nanoseconds); of links the target. A directory whose content
// differs is reported as modified with it. Below a deleted directory nothing more is reported, below an added one
// everything.
#pragma once

#include <cstdint>
#include <vector>

#include "driver/storage_driver.hpp"

namespace davit::archive {

/// Changes that lead from the tree at `old_fd` to the one at `new_fd`, sorted by path. old_fd -1: the empty tree.
[[nodiscard]] std::vector<LayerChange> compareTrees(int old_fd, int new_fd);

/// The same from an overlayfs upper directory and what is mounted below it: `below_fd` shows the merged lower layers,
/// -1 when there are none.
[[nodiscard]] std::vector<LayerChange> upperChanges(int below_fd, int upper_fd);

/// Sum of the sizes of the regular files that `changes` adds or modifies, a file with several links once.
[[nodiscard]] std::int64_t changesSize(int new_fd, const std::vector<LayerChange>& changes);

/// Sum of the sizes of a tree's regular files, a file with several links once.
[[nodiscard]] std::int64_t treeSize(int root_fd);

/// What a tree occupies on disk, files with several links once.
[[nodiscard]] LayerUsage treeUsage(int root_fd);

}  // namespace davit::archive
