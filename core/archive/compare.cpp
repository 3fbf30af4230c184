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

class Comparison {
  public:
    Comparison(int old_fd, int new_fd) : walker_(reopenDirectory(new_fd)), old_(reopenDirectory(old_fd)) {
        levels_.push_back({});
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
    };

    void enter() {
        Level& level = levels_.back();
        struct stat before {};
        const bool existed =
            level.in_old && ::fstatat(old_.fd(), walker_.name().c_str(), &before, AT_SYMLINK_NOFOLLOW) == 0;
        if (level.in_old) level.names.push_back(walker_.name());
        const bool changed = !existed || !same(before);
        const std::size_t first = changes_.size();
        if (changed) report(walker_.path(), existed ? LayerChange::Kind::modified : LayerChange::Kind::added);
        if (!S_ISDIR(walker_.info().st_mode)) return;
        const bool in_old = existed && S_ISDIR(before.st_mode) && old_.descend(walker_.name());
        levels_.push_back({.names = {}, .first_change = first, .reported = changed, .in_old = in_old});
    }

    void leave() {
        if (levels_.back().in_old) {
            reportDeleted(walker_.path() + "/");
            old_.ascend();
        }
        const Level level = std::move(levels_.back());
        levels_.pop_back();
        if (!level.reported && changes_.size() > level.first_change) report(walker_.path(), LayerChange::Kind::modified);
    }

    void reportDeleted(const std::string& prefix) {
        const auto& names = levels_.back().names;
        for (const std::string& name : directoryNames(old_.fd()))
            if (!std::binary_search(names.begin(), names.end(), name)) report(prefix + name, LayerChange::Kind::deleted);
    }

    bool same(const struct stat& before) const {
        const struct stat& after = walker_.info();
        if (before.st_dev == after.st_dev && before.st_ino == after.st_ino && !S_ISDIR(after.st_mode)) return true;
        if (!sameStat(before, after)) return false;
        if (S_ISLNK(after.st_mode)) return linkOf(old_.fd(), walker_.name()) == linkOf(walker_.dirFd(), walker_.name());
        return !S_ISREG(after.st_mode) ||
               capabilityOf(old_.fd(), walker_.name()) == capabilityOf(walker_.dirFd(), walker_.name());
    }

    void report(const std::string& path, LayerChange::Kind kind) { changes_.push_back({"/" + path, kind}); }

    TreeWalker walker_;
    DirStack old_;
    std::vector<Level> levels_;
    std::vector<LayerChange> changes_;
};

std::vector<LayerChange> everythingIn(int root_fd) {
    std::vector<LayerChange> changes;
    TreeWalker walker(reopenDirectory(root_fd));
    while (const auto event = walker.next())
        if (*event == TreeWalker::Event::enter) changes.push_back({"/" + walker.path(), LayerChange::Kind::added});
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
    return old_fd < 0 ? everythingIn(new_fd) : Comparison(old_fd, new_fd).run();
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
