// Files below a container's root, reached so that nothing the container wrote can lead outside: openat2 with
// RESOLVE_IN_ROOT and without magic links, descriptor first, path second (SEC-05, SEC-06, SEC-07).
#pragma once

#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

namespace davit::launcher {

/// Owner of a descriptor.
class Fd {
  public:
    Fd() = default;
    explicit Fd(int fd) : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(other.release()) {}
    Fd& operator=(Fd&& other) noexcept {
        reset(other.release());
        return *this;
    }
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    ~Fd() { reset(); }
    int get() const { return fd_; }
    int release() {
        const int fd = fd_;
        fd_ = -1;
        return fd;
    }
    void reset(int fd = -1) {
        if (fd_ >= 0) (void)::close(fd_);
        fd_ = fd;
    }
    explicit operator bool() const { return fd_ >= 0; }

  private:
    int fd_ = -1;
};

/// "/proc/self/fd/N" for calls that only take paths.
class FdPath {
  public:
    explicit FdPath(int fd);
    const char* c_str() const { return text_; }

  private:
    char text_[40];
};

/// openat2 below `root`; -1 and errno. `resolve` adds RESOLVE_* to IN_ROOT and NO_MAGICLINKS.
int openInRoot(int root, const char* path, uint64_t flags, uint64_t resolve = 0);

/// An O_PATH descriptor of the directory, made with its parents (0755) when missing; -1 and errno.
int makeDirectory(int root, const char* path);
/// The same for an empty regular file (0644); an existing thing that is no directory is taken as it is.
int makeFile(int root, const char* path);
/// Like makeDirectory, but a symbolic link on the way is replaced by a directory.
int makeRealDirectory(int root, const char* path);

/// The parent directory's descriptor and the last component of `path`.
struct Parent {
    Fd directory;
    const char* name = nullptr;
};
Parent openParent(int root, const char* path);

/// Writes all of `value` with one write to an existing file; false and errno.
bool writeFile(int directory, const char* path, const char* value);
/// The same for a file below <root>/proc, which must be procfs (SEC-05).
bool writeProcFile(int root, const char* path, const char* value);

bool isDirectory(int fd);
/// True when the descriptor is this character device.
bool isCharDevice(int fd, unsigned major, unsigned minor);

}  // namespace davit::launcher
