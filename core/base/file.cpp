#include "base/file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <memory>
#include <vector>

#include "base/check.hpp"
#include "base/defer.hpp"
#include "base/id.hpp"

namespace davit {
namespace {

using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;

void removeChildren(int dir_fd, dev_t device);

void removeEntry(int dir_fd, const char* name, dev_t device) {
    if (::unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT) return;
    if (errno != EISDIR && errno != EPERM) throw Error::system(fmt::format("remove {}", name), errno);
    UniqueFd child(::openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    check(child.get(), "open directory {}", name);
    struct stat info {};
    check(::fstat(child.get(), &info), "stat {}", name);
    // btrfs subvolumes have a device of their own but no mount; rmdir of a real mount point says EBUSY.
    if (info.st_dev == device) removeChildren(child.get(), device);
    if (::unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
        throw Error::system(fmt::format("remove directory {}", name), errno);
}

void removeChildren(int dir_fd, dev_t device) {
    UniqueFd copy(check(::openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "reopen directory"));
    Directory dir(::fdopendir(copy.get()), ::closedir);
    if (!dir) throw Error::system("read directory", errno);
    (void)copy.release();  // closedir closes it
    while (const dirent* entry = ::readdir(dir.get())) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") removeEntry(dir_fd, entry->d_name, device);
    }
}

void syncDirectory(const std::filesystem::path& path) {
    const UniqueFd dir = openFile(path, O_RDONLY | O_DIRECTORY);
    check(::fsync(dir.get()), "sync {}", path.string());
}

}  // namespace

UniqueFd openFile(const std::filesystem::path& path, int flags, unsigned mode) {
    return UniqueFd(check(::open(path.c_str(), flags | O_CLOEXEC, mode), "open {}", path.string()));
}

std::optional<std::string> readFile(const std::filesystem::path& path, std::size_t limit) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
    check(fd.get(), "open {}", path.string());
    std::string content;
    for (;;) {
        const std::size_t had = content.size();
        content.resize(had + 4096);
        const ssize_t got = ::read(fd.get(), content.data() + had, 4096);
        if (got < 0 && errno == EINTR) {
            content.resize(had);
            continue;
        }
        check(got, "read {}", path.string());
        content.resize(had + static_cast<std::size_t>(got));
        if (content.size() > limit)
            throw error(Code::invalid, "read {}: longer than {} bytes", path.string(), limit);
        if (got == 0) return content;
    }
}

void writeAll(int fd, std::string_view data) {
    while (!data.empty()) {
        const ssize_t put = ::write(fd, data.data(), data.size());
        if (put < 0 && errno == EINTR) continue;
        check(put, "write {} bytes", data.size());
        data.remove_prefix(static_cast<std::size_t>(put));
    }
}

void writeFileAtomically(const std::filesystem::path& path, std::string_view data, unsigned mode, Sync sync) {
    const std::filesystem::path temporary = path.string() + "." + randomId().substr(0, 8) + ".tmp";
    Defer remove([&] { (void)::unlink(temporary.c_str()); });
    {
        const UniqueFd fd = openFile(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
        writeAll(fd.get(), data);
        if (sync == Sync::yes) check(::fdatasync(fd.get()), "sync {}", temporary.string());
    }
    check(::rename(temporary.c_str(), path.c_str()), "rename {} to {}", temporary.string(), path.string());
    remove.dismiss();
    if (sync == Sync::yes) syncDirectory(path.parent_path());
}

void makeDirectories(const std::filesystem::path& path, unsigned mode) {
    if (::mkdir(path.c_str(), mode) == 0) return;
    if (errno == ENOENT && path.has_parent_path() && path != path.parent_path()) {
        makeDirectories(path.parent_path(), 0711);
        if (::mkdir(path.c_str(), mode) == 0) return;
    }
    struct stat info {};
    if (errno == EEXIST && ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) return;
    throw Error::system(fmt::format("create directory {}", path.string()), errno == EEXIST ? ENOTDIR : errno);
}

void removeTree(const std::filesystem::path& path) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) < 0) {
        if (errno == ENOENT) return;
        throw Error::system(fmt::format("stat {}", path.string()), errno);
    }
    const auto parent = path.parent_path();
    const UniqueFd dir = openFile(parent.empty() ? "." : parent, O_RDONLY | O_DIRECTORY);
    removeEntry(dir.get(), path.filename().c_str(), info.st_dev);
}

TempDir::TempDir(const std::filesystem::path& parent, std::string_view prefix) {
    std::string name = (parent / (std::string(prefix) + "XXXXXX")).string();
    if (::mkdtemp(name.data()) == nullptr) throw Error::system("create a directory in " + parent.string(), errno);
    path_ = name;
}

TempDir::~TempDir() {
    if (path_.empty()) return;
    try {
        removeTree(path_);
    } catch (...) {  // a destructor; what stays is below a directory that is cleaned at start
    }
}

std::filesystem::path TempDir::release() { return std::exchange(path_, {}); }

std::optional<FileLock> FileLock::tryAcquire(const std::filesystem::path& path) {
    UniqueFd fd = openFile(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return FileLock(std::move(fd));
    if (errno == EWOULDBLOCK) return std::nullopt;
    throw Error::system(fmt::format("lock {}", path.string()), errno);
}

}  // namespace davit
