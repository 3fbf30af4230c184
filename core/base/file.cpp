#include "base/file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/check.hpp"
#include "base/defer.hpp"
#include "base/id.hpp"

namespace davit {
namespace {

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
        if (content.size() > limit) throw error(Code::invalid, "read {}: longer than {} bytes", path.string(), limit);
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
