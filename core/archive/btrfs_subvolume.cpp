#include "archive/btrfs_subvolume.hpp"

#include <btrfsutil.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include "base/check.hpp"
#include "base/file.hpp"

namespace davit::btrfs {
namespace fs = std::filesystem;
namespace {

UniqueFd openDirectory(const fs::path& path) { return openFile(path, O_RDONLY | O_DIRECTORY); }

void require(btrfs_util_error result, const std::string& doing) {
    if (result == BTRFS_UTIL_OK) return;
    const int code = errno;
    throw Error::system(doing + ": " + ::btrfs_util_strerror(result), code);
}

std::uint64_t idOf(int fd) {
    std::uint64_t id = 0;
    require(::btrfs_util_subvolume_id_fd(fd, &id), "find a subvolume's id");
    return id;
}

}  // namespace

bool holds(const fs::path& path) {
    struct statfs info {};
    return ::statfs(path.c_str(), &info) == 0 && info.f_type == static_cast<decltype(info.f_type)>(BTRFS_SUPER_MAGIC);
}

void createSubvolume(const fs::path& path) {
    require(::btrfs_util_create_subvolume(path.c_str(), 0, nullptr, nullptr), "create subvolume " + path.string());
}

void snapshotSubvolume(const fs::path& source, const fs::path& path) {
    require(::btrfs_util_create_snapshot(source.c_str(), path.c_str(), 0, nullptr, nullptr), "create snapshot " + path.string());
}

bool deleteSubvolume(const fs::path& path) {
    const UniqueFd above = openDirectory(path.parent_path());
    const std::string name = path.filename();
    const UniqueFd fd(::openat(above.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd || ::btrfs_util_is_subvolume_fd(fd.get()) != BTRFS_UTIL_OK) return false;
    const std::uint64_t id = idOf(fd.get());
    // Recursive: what ran inside may have made subvolumes of its own.
    require(::btrfs_util_delete_subvolume_fd(above.get(), name.c_str(), BTRFS_UTIL_DELETE_SUBVOLUME_RECURSIVE),
            "delete subvolume " + path.string());
    dropGroup(above.get(), id);
    return true;
}

void limitSubvolume(const fs::path& path, std::int64_t bytes) {
    const UniqueFd fd = openDirectory(path);
    const std::uint64_t id = idOf(fd.get());
    const bool counted = usageOf(fd.get(), id).has_value();
    if (!counted && bytes == 0) return;
    if (!counted) enableQuotas(fd.get());
    limitExclusive(fd.get(), id, static_cast<std::uint64_t>(bytes));
}

std::optional<GroupUsage> usageOfSubvolume(const fs::path& path) {
    const UniqueFd fd = openDirectory(path);
    const std::uint64_t id = idOf(fd.get());
    if (!usageOf(fd.get(), id)) return std::nullopt;
    // The count is as old as the last transaction.
    require(::btrfs_util_sync_fd(fd.get()), "sync subvolume " + path.string());
    return usageOf(fd.get(), id);
}

bool countsAt(const fs::path& path) {
    const UniqueFd fd = openDirectory(path);
    return usageOf(fd.get(), idOf(fd.get())).has_value();
}

}  // namespace davit::btrfs
