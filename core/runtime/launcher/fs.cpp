#include "runtime/launcher/fs.hpp"

#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "runtime/launcher/failure.hpp"

namespace davit::launcher {

FdPath::FdPath(int fd) { TextBuffer(text_, sizeof text_).add("/proc/self/fd/").add(int64_t{fd}); }

int openInRoot(int root, const char* path, uint64_t flags, uint64_t resolve) {
    struct open_how how {};
    how.flags = flags | O_CLOEXEC;
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve;
    // The kernel gives up with EAGAIN when a rename elsewhere races with "..".
    for (int attempt = 0; attempt < 100; ++attempt) {
        const long fd = ::syscall(SYS_openat2, root, path, &how, sizeof how);
        if (fd >= 0) return static_cast<int>(fd);
        if (errno != EAGAIN && errno != EINTR) break;
    }
    return -1;
}

namespace {

/// Calls step(prefix, length) for "a", "a/b", "a/b/c" of "/a/b/c" until it returns false.
template <typename Step>
bool forEachPrefix(const char* path, Step step) {
    char prefix[PATH_MAX];
    if (strlen(path) >= sizeof prefix) {
        errno = ENAMETOOLONG;
        return false;
    }
    size_t length = 0;
    while (*path != '\0') {
        while (*path == '/') ++path;
        if (*path == '\0') break;
        if (length != 0) prefix[length++] = '/';
        while (*path != '\0' && *path != '/') prefix[length++] = *path++;
        prefix[length] = '\0';
        if (!step(prefix)) return false;
    }
    return true;
}

}  // namespace

Parent openParent(int root, const char* path) {
    const char* slash = strrchr(path, '/');
    const char* name = slash != nullptr ? slash + 1 : path;
    const size_t length = static_cast<size_t>(name - path);
    char directory[PATH_MAX] = ".";
    if (length >= sizeof directory) {
        errno = ENAMETOOLONG;
        return {};
    }
    if (length != 0) {
        memcpy(directory, path, length);
        directory[length] = '\0';
    }
    return {Fd(openInRoot(root, directory, O_PATH | O_DIRECTORY)), name};
}

int makeDirectory(int root, const char* path) {
    const int existing = openInRoot(root, path, O_PATH);
    if (existing >= 0 || errno != ENOENT) return existing;
    // Mostly only the last component is missing.
    const Parent last = openParent(root, path);
    if (last.directory && ::mkdirat(last.directory.get(), last.name, 0755) == 0)
        return ::openat(last.directory.get(), last.name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    const bool made = forEachPrefix(path, [root](const char* prefix) {
        const Fd there(openInRoot(root, prefix, O_PATH));
        if (there) return true;
        if (errno != ENOENT) return false;
        const Parent parent = openParent(root, prefix);
        return parent.directory && (::mkdirat(parent.directory.get(), parent.name, 0755) == 0 || errno == EEXIST);
    });
    return made ? openInRoot(root, path, O_PATH) : -1;
}

int makeRealDirectory(int root, const char* path) {
    const int existing = openInRoot(root, path, O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS);
    if (existing >= 0) return existing;
    const bool made = forEachPrefix(path, [root](const char* prefix) {
        const Fd there(openInRoot(root, prefix, O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS));
        if (there) return true;
        const Parent parent = openParent(root, prefix);
        if (!parent.directory) return false;
        if ((errno = 0, ::unlinkat(parent.directory.get(), parent.name, 0) != 0) && errno != ENOENT) return false;
        return ::mkdirat(parent.directory.get(), parent.name, 0755) == 0;
    });
    return made ? openInRoot(root, path, O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS) : -1;
}

int makeFile(int root, const char* path) {
    const int existing = openInRoot(root, path, O_PATH);
    if (existing >= 0 || errno != ENOENT) return existing;
    char directory[PATH_MAX];
    const char* slash = strrchr(path, '/');
    const size_t length = slash != nullptr ? static_cast<size_t>(slash - path) : 0;
    if (length >= sizeof directory) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(directory, path, length);
    directory[length] = '\0';
    const Fd parent(makeDirectory(root, length != 0 ? directory : "."));
    if (!parent) return -1;
    const Fd made(::openat(parent.get(), slash != nullptr ? slash + 1 : path,
                           O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_WRONLY, 0644));
    if (!made && errno != EEXIST) return -1;
    return openInRoot(root, path, O_PATH);
}

bool writeFile(int directory, const char* path, const char* value) {
    const Fd file(::openat(directory, path, O_WRONLY | O_CLOEXEC));
    const size_t length = strlen(value);
    return file && ::write(file.get(), value, length) == static_cast<ssize_t>(length);
}

bool writeProcFile(int root, const char* path, const char* value) {
    const Fd file(openInRoot(root, path, O_WRONLY, RESOLVE_NO_SYMLINKS));
    if (!file) return false;
    struct statfs facts;
    if (::fstatfs(file.get(), &facts) != 0) return false;
    if (facts.f_type != PROC_SUPER_MAGIC) {
        errno = EXDEV;
        return false;
    }
    const size_t length = strlen(value);
    return ::write(file.get(), value, length) == static_cast<ssize_t>(length);
}

bool isDirectory(int fd) {
    struct stat facts;
    return ::fstat(fd, &facts) == 0 && S_ISDIR(facts.st_mode);
}

bool isCharDevice(int fd, unsigned major, unsigned minor) {
    struct stat facts;
    return ::fstat(fd, &facts) == 0 && S_ISCHR(facts.st_mode) && facts.st_rdev == makedev(major, minor);
}

}  // namespace davit::launcher
