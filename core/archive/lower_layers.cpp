#include "archive/lower_layers.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <set>

#include "archive/copy_tree.hpp"
#include "archive/parent_cache.hpp"
#include "base/check.hpp"
#include "base/in_root.hpp"
#include "base/tree_walker.hpp"

namespace davit::archive {
namespace {

bool isWhiteout(const struct stat& info) { return S_ISCHR(info.st_mode) && info.st_rdev == 0; }

}  // namespace

// The root whose file is seen at `path`, -1 when none is.
int LowerLayers::holderOf(const std::string& path) const {
    for (const int root : roots_) {
        const UniqueFd fd = tryOpenInRoot(root, path, O_PATH | O_NOFOLLOW);
        struct stat info {};
        if (!fd || ::fstat(fd.get(), &info) < 0) continue;
        return isWhiteout(info) ? -1 : root;
    }
    return -1;
}

bool LowerLayers::has(const std::string& path) const { return holderOf(path) >= 0; }

void LowerLayers::copyUp(const std::string& path, int to_dir_fd) const {
    const UniqueFd from = openInRoot(holderOf(path), parentOf(path), O_RDONLY | O_DIRECTORY);
    copyEntry(from.get(), nameOf(path), to_dir_fd);
}

bool LowerLayers::dressLike(int fd, const std::string& path) const {
    const int root = holderOf(path);
    if (root < 0) return false;
    const UniqueFd from = tryOpenInRoot(root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (from) copyMetadata(from.get(), fd);
    return static_cast<bool>(from);
}

std::vector<std::string> LowerLayers::rootNames() const {
    std::set<std::string> shown;
    std::set<std::string> hidden;
    for (const int root : roots_) {
        for (const std::string& name : directoryNames(root)) {
            struct stat info {};
            if (::fstatat(root, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) < 0) continue;
            if (isWhiteout(info)) hidden.insert(name);
            if (!hidden.contains(name)) shown.insert(name);
        }
    }
    return {shown.begin(), shown.end()};
}

}  // namespace davit::archive
