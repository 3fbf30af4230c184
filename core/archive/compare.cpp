#include "archive/compare.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <climits>
#include <set>
#include <string>

#include "archive/parent_cache.hpp"
#include "archive/xattr.hpp"
#include "base/check.hpp"
#include "base/in_root.hpp"
#include "base/tree_walker.hpp"

namespace davit::archive {
namespace {

bool sameTime(const timespec& a, const timespec& b) {
    return a.tv_sec == b.tv_sec && (a.tv_nsec == b.tv_nsec || a.tv_nsec == 0 || b.tv_nsec == 0);
}

std::string linkOf(int dir_fd, const std::string& name) {
    std::string target(PATH_MAX, '\0');
    const ssize_t size = ::readlinkat(dir_fd, name.c_str(), target.data(), target.size());
    target.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    return target;
}

std::string capabilityOf(int dir_fd, const std::string& name) {
    const UniqueFd fd(::openat(dir_fd, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    return fd ? readXattr(fd.get(), "security.capability").value_or("") : std::string();
}

bool sameStat(const struct stat& a, const struct stat& b) {
    if (a.st_mode != b.st_mode || a.st_uid != b.st_uid || a.st_gid != b.st_gid || a.st_rdev != b.st_rdev) return false;
    return S_ISDIR(a.st_mode) || (a.st_size == b.st_size && sameTime(a.st_mtim, b.st_mtim));
}

bool isWhiteoutDevice(const struct stat& info) { return S_ISCHR(info.st_mode) && info.st_rdev == 0; }

bool isOpaque(int dir_fd) {
    return readXattr(dir_fd, "trusted.overlay.opaque") == "y" || readXattr(dir_fd, "user.overlay.opaque") == "y";
}

class Comparison {
  public:
    /// `upper`: the new side is an overlayfs upper directory, which doesn't show what is as below.
    Comparison(int old_fd, int new_fd, bool upper)
        : walker_(reopenDirectory(new_fd)), old_(reopenDirectory(old_fd)), upper_(upper) {
        levels_.push_back({.names = {}, .whole = !upper || isOpaque(new_fd)});
    }

    std::vector<LayerChange> run() {
        while (const auto event = walker_.next()) {
            if (*event == TreeWalker::Event::leave)
                leave();
            else
                enter();
        }
        reportDeleted("");
        std::sort(changes_.begin(), changes_.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
        return std::move(changes_);
    }

  private:
    struct Level {
        std::vector<std::string> names;  // of the new side, sorted
        std::size_t first_change = 0;    // index of the first change inside
        bool reported = false;           // the directory itself
        bool in_old = true;              // the old side has a directory here, and old_ is in it
        bool whole = true;               // what isn't shown on the new side isn't there
    };

    void enter() {
        Level& level = levels_.back();
        struct stat before {};
        const bool existed =
            level.in_old && ::fstatat(old_.fd(), walker_.name().c_str(), &before, AT_SYMLINK_NOFOLLOW) == 0;
        if (level.in_old) level.names.push_back(walker_.name());
        if (upper_ && isWhiteoutDevice(walker_.info())) {
            if (existed) report(walker_.path(), LayerChange::Kind::deleted);
            return;
        }
        const bool changed = !existed || !same(before);
        const std::size_t first = changes_.size();
        if (changed) report(walker_.path(), existed ? LayerChange::Kind::modified : LayerChange::Kind::added);
        if (!S_ISDIR(walker_.info().st_mode)) return;
        const bool in_old = existed && S_ISDIR(before.st_mode) && old_.descend(walker_.name());
        levels_.push_back({.names = {},
                           .first_change = first,
                           .reported = changed,
                           .in_old = in_old,
                           .whole = !upper_ || opaqueHere()});
    }

    bool opaqueHere() const {
        const UniqueFd fd(::openat(walker_.dirFd(), walker_.name().c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
        return fd && isOpaque(fd.get());
    }

    void leave() {
        if (levels_.back().in_old) {
            reportDeleted(walker_.path() + "/");
            old_.ascend();
        }
        const Level level = std::move(levels_.back());
        levels_.pop_back();
        if (!level.reported && changes_.size() > level.first_change)
            report(walker_.path(), LayerChange::Kind::modified);
    }

    void reportDeleted(const std::string& prefix) {
        if (!levels_.back().whole) return;
        const auto& names = levels_.back().names;
        for (const std::string& name : directoryNames(old_.fd()))
            if (!std::binary_search(names.begin(), names.end(), name))
                report(prefix + name, LayerChange::Kind::deleted);
    }

    bool same(const struct stat& before) const {
        const struct stat& after = walker_.info();
        if (before.st_dev == after.st_dev && before.st_ino == after.st_ino && !S_ISDIR(after.st_mode)) return true;
        // What stands in an upper directory was written or copied up to be written, whatever its times say.
        if (!sameStat(before, after) || (upper_ && !S_ISDIR(after.st_mode))) return false;
        if (S_ISLNK(after.st_mode)) return linkOf(old_.fd(), walker_.name()) == linkOf(walker_.dirFd(), walker_.name());
        return !S_ISREG(after.st_mode) ||
               capabilityOf(old_.fd(), walker_.name()) == capabilityOf(walker_.dirFd(), walker_.name());
    }

    void report(const std::string& path, LayerChange::Kind kind) { changes_.push_back({"/" + path, kind}); }

    TreeWalker walker_;
    DirStack old_;
    std::vector<Level> levels_;
    std::vector<LayerChange> changes_;
    bool upper_;
};

std::vector<LayerChange> everythingIn(int root_fd) {
    std::vector<LayerChange> changes;
    TreeWalker walker(reopenDirectory(root_fd));
    while (const auto event = walker.next())
        if (*event == TreeWalker::Event::enter && !isWhiteoutDevice(walker.info()))
            changes.push_back({"/" + walker.path(), LayerChange::Kind::added});
    std::sort(changes.begin(), changes.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
    return changes;
}

// Counts each file once, however many of its names come by.
class FileCounter {
  public:
    bool isNew(const struct stat& info) {
        return info.st_nlink < 2 || S_ISDIR(info.st_mode) || seen_.insert({info.st_dev, info.st_ino}).second;
    }

  private:
    std::set<std::pair<dev_t, ino_t>> seen_;
};

}  // namespace

std::vector<LayerChange> compareTrees(int old_fd, int new_fd) {
    return old_fd < 0 ? everythingIn(new_fd) : Comparison(old_fd, new_fd, false).run();
}

std::vector<LayerChange> upperChanges(int below_fd, int upper_fd) {
    return below_fd < 0 ? everythingIn(upper_fd) : Comparison(below_fd, upper_fd, true).run();
}

std::int64_t changesSize(int new_fd, const std::vector<LayerChange>& changes) {
    std::int64_t sum = 0;
    FileCounter files;
    for (const LayerChange& change : changes) {
        if (change.kind == LayerChange::Kind::deleted) continue;
        const UniqueFd fd = tryOpenInRoot(new_fd, change.path, O_PATH | O_NOFOLLOW);
        struct stat info {};
        if (!fd || ::fstat(fd.get(), &info) < 0 || !S_ISREG(info.st_mode)) continue;
        if (files.isNew(info)) sum += info.st_size;
    }
    return sum;
}

std::int64_t treeSize(int root_fd) {
    std::int64_t sum = 0;
    FileCounter files;
    TreeWalker walker(reopenDirectory(root_fd));
    while (walker.next())
        if (S_ISREG(walker.info().st_mode) && files.isNew(walker.info())) sum += walker.info().st_size;
    return sum;
}

LayerUsage treeUsage(int root_fd) {
    struct stat info {};
    check(::fstat(root_fd, &info), "stat");
    LayerUsage usage{.bytes = info.st_blocks * 512, .inodes = 1};
    FileCounter files;
    TreeWalker walker(reopenDirectory(root_fd));
    while (const auto event = walker.next()) {
        if (*event == TreeWalker::Event::leave || !files.isNew(walker.info())) continue;
        usage.bytes += walker.info().st_blocks * 512;
        usage.inodes += 1;
    }
    return usage;
}

}  // namespace davit::archive
