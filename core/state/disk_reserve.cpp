#include "state/disk_reserve.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/check.hpp"
#include "base/defer.hpp"
#include "base/unique_fd.hpp"

namespace davit::state {

DiskReserve::DiskReserve(std::filesystem::path path, std::int64_t bytes) : path_(std::move(path)), bytes_(bytes) {}

bool DiskReserve::held() const {
    struct stat info {};
    if (::stat(path_.c_str(), &info) < 0 || info.st_size < bytes_) return false;
    return info.st_blocks * 512 >= bytes_ || uncounted_;
}

std::optional<std::int64_t> DiskReserve::freeBytes() const {
    struct statvfs info {};
    if (::statvfs(path_.parent_path().c_str(), &info) < 0) return std::nullopt;
    return static_cast<std::int64_t>(info.f_bavail * info.f_frsize);
}

// More than its own size: that much is free when it has just been given back.
bool DiskReserve::roomToGrow() const { return held() || freeBytes().value_or(bytes_ * 2) >= bytes_ + bytes_ / 4; }

void DiskReserve::releaseIfFull() {
    if (freeBytes().value_or(bytes_) < bytes_ / 8) (void)release();
}

bool DiskReserve::ensure() {
    const Lock lock(mutex_);
    if (held()) return true;
    if (freeBytes().value_or(0) < 2 * bytes_) return false;
    const UniqueFd fd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) return false;
    Defer undo([&] { (void)::unlink(path_.c_str()); });
    if (::posix_fallocate(fd.get(), 0, bytes_) != 0) return false;
    undo.dismiss();
    if (!held()) uncounted_ = true;
    return true;
}

bool DiskReserve::release() {
    const Lock lock(mutex_);
    return ::unlink(path_.c_str()) == 0;
}

}  // namespace davit::state
