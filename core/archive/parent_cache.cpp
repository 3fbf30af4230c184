#include "archive/parent_cache.hpp"

#include <fcntl.h>

#include "base/check.hpp"
#include "base/defer.hpp"
#include "base/dir_stack.hpp"
#include "base/in_root.hpp"

namespace davit::archive {
namespace {

constexpr std::size_t kKept = 12;
constexpr int kDirectory = O_RDONLY | O_DIRECTORY;

}  // namespace

std::string parentOf(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

std::string nameOf(const std::string& path) { return path.substr(path.rfind('/') + 1); }

ParentCache::ParentCache(int root_fd, std::string base, bool keep_base_mtime, Dress dress)
    : root_fd_(root_fd), base_(std::move(base)), keep_base_mtime_(keep_base_mtime), dress_(std::move(dress)) {}

ParentCache::~ParentCache() { flush(); }

UniqueFd ParentCache::tryOpen(const std::string& path) const {
    return tryOpenInRoot(root_fd_, base_.empty() ? path : base_ + "/" + path, kDirectory);
}

void ParentCache::letGo(const OpenDirectory& directory) noexcept {
    if (!directory.keep_mtime) return;
    const timespec times[2] = {{0, UTIME_OMIT}, directory.mtime};
    (void)::futimens(directory.fd.get(), times);  // a directory that was removed meanwhile needs no time
}

void ParentCache::flush() {
    for (const OpenDirectory& directory : open_) letGo(directory);
    open_.clear();
}

OpenDirectory& ParentCache::add(const std::string& path, UniqueFd fd) {
    struct stat info {};
    check(::fstat(fd.get(), &info), "stat {}", path);
    OpenDirectory fresh{.path = path,
                        .fd = std::move(fd),
                        .device = info.st_dev,
                        .inode = info.st_ino,
                        .set_gid = (info.st_mode & S_ISGID) != 0,
                        .keep_mtime = keep_base_mtime_ || !path.empty(),
                        .mtime = info.st_mtim};
    // The same directory by another path (through a link): its noted time is the right one.
    for (const OpenDirectory& other : open_)
        if (other.device == fresh.device && other.inode == fresh.inode) fresh.mtime = other.mtime;
    if (open_.size() == kKept) {
        letGo(open_.back());
        open_.pop_back();
    }
    open_.push_front(std::move(fresh));
    return open_.front();
}

const OpenDirectory* ParentCache::find(const std::string& path) {
    for (auto it = open_.begin(); it != open_.end(); ++it) {
        if (it->path != path) continue;
        open_.splice(open_.begin(), open_, it);
        return &open_.front();
    }
    UniqueFd fd = tryOpen(path);
    if (fd) return &add(path, std::move(fd));
    if (errno == ENOENT) return nullptr;
    throw Error::system("open directory " + path, errno);
}

UniqueFd ParentCache::create(const std::string& path) {
    std::string existing = path;
    UniqueFd at;
    while (!at) {
        existing = parentOf(existing);
        at = tryOpen(existing);
        if (!at && (errno != ENOENT || existing.empty())) throw Error::system("open directory " + existing, errno);
    }
    struct stat info {};
    check(::fstat(at.get(), &info), "stat {}", existing);
    const UniqueFd above = existing.empty() && !keep_base_mtime_ ? UniqueFd() : reopenDirectory(at.get());
    const Defer restore([&] {
        const timespec times[2] = {{0, UTIME_OMIT}, info.st_mtim};
        if (above) (void)::futimens(above.get(), times);
    });
    while (existing.size() < path.size()) {
        const std::size_t start = existing.empty() ? 0 : existing.size() + 1;
        const std::size_t end = path.find('/', start);
        const std::string name = path.substr(start, end == std::string::npos ? end : end - start);
        existing = path.substr(0, end);
        check(::mkdirat(at.get(), name.c_str(), 0755), "create directory {}", existing);
        const int fd = ::openat(at.get(), name.c_str(), kDirectory | O_NOFOLLOW | O_CLOEXEC);
        at.reset(check(fd, "open directory {}", existing));
        dress_(at.get(), existing);
    }
    return at;
}

const OpenDirectory& ParentCache::open(const std::string& path) {
    if (const OpenDirectory* found = find(path)) return *found;
    flush();  // create() goes round the cache and changes times of directories that may be in it
    return add(path, create(path));
}

void ParentCache::keep(const std::string& path, UniqueFd fd) {
    struct stat info {};
    check(::fstat(fd.get(), &info), "stat {}", path);
    bool known = false;
    for (OpenDirectory& directory : open_) {
        if (directory.device != info.st_dev || directory.inode != info.st_ino) continue;
        directory.mtime = info.st_mtim;
        directory.keep_mtime = true;
        directory.set_gid = (info.st_mode & S_ISGID) != 0;
        known = known || directory.path == path;
    }
    if (!known) add(path, std::move(fd)).keep_mtime = true;
}

}  // namespace davit::archive
