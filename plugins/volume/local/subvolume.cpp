#include "subvolume.hpp"

#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include <cstring>

#include "archive/btrfs_quota.hpp"
#include "archive/copy_tree.hpp"
#include "base/check.hpp"
#include "base/file.hpp"
#include "space.hpp"
#include "store.hpp"

namespace davit::local {
namespace fs = std::filesystem;
namespace quota = archive::btrfs;
namespace {

UniqueFd openDirectory(const fs::path& path) { return openFile(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW); }

template <typename Arguments>
Arguments named(const std::string& name) {
    Arguments arguments{};
    std::memcpy(arguments.name, name.c_str(), std::min(name.size() + 1, sizeof arguments.name - 1));
    return arguments;
}

class SubvolumeSpace final : public Space {
  public:
    [[nodiscard]] std::string_view name() const noexcept override { return "subvolume"; }
    [[nodiscard]] std::string_view means() const noexcept override { return "btrfs quota group"; }

    void make(const fs::path& place, const Limits& limits) override {
        createSubvolume(place, kData);
        check(::chmod((place / kData).c_str(), 0755), "change mode of {}", (place / kData).string());
        if (limits.any()) limit(place, limits);
    }
    void makeCopy(const fs::path& from, const fs::path& place, const Limits& limits) override {
        if (!isSubvolume(from)) return Space::makeCopy(from, place, limits);
        snapshotSubvolume(from, place, kData, Snapshot::writable);
        if (limits.any()) limit(place, limits);
    }
    void makeSnapshot(const fs::path& from, const fs::path& place) override { snapshotSubvolume(from, place, kData, Snapshot::read_only); }

    void limit(const fs::path& place, const Limits& limits) override {
        if (limits.inodes != 0) throw error(Code::invalid, "limit {}: btrfs has no quotas of inodes", place.string());
        const UniqueFd fd = openDirectory(place / kData);
        const std::uint64_t id = subvolumeId(fd.get());
        const bool counted = quota::usageOf(fd.get(), id).has_value();
        if (!counted && limits.size == 0) return;
        if (!counted) quota::enableQuotas(fd.get());
        quota::limitReferenced(fd.get(), id, static_cast<std::uint64_t>(limits.size));
    }
    [[nodiscard]] std::optional<VolumeUsage> usage(const fs::path& place) override {
        const UniqueFd fd = openDirectory(place / kData);
        const std::uint64_t id = subvolumeId(fd.get());
        if (!quota::usageOf(fd.get(), id)) return std::nullopt;
        // The counters are those of the last commit.
        check(::ioctl(fd.get(), BTRFS_IOC_SYNC), "sync the file system of {}", place.string());
        const auto counted = quota::usageOf(fd.get(), id);
        if (!counted) return std::nullopt;
        return VolumeUsage{.size = static_cast<std::int64_t>(counted->referenced), .inodes = -1};
    }
};

}  // namespace

bool hasSubvolumes(const fs::path& directory) {
    const UniqueFd fd = openFile(directory, O_RDONLY | O_DIRECTORY);
    btrfs_ioctl_fs_info_args info{};
    return ::ioctl(fd.get(), BTRFS_IOC_FS_INFO, &info) == 0;
}

bool isSubvolume(const fs::path& path) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat info {};
    struct statfs system {};
    return fd && ::fstatfs(fd.get(), &system) == 0 && system.f_type == BTRFS_SUPER_MAGIC && ::fstat(fd.get(), &info) == 0 &&
           info.st_ino == BTRFS_FIRST_FREE_OBJECTID;
}

std::uint64_t subvolumeId(int fd) {
    btrfs_ioctl_ino_lookup_args lookup{};
    lookup.objectid = BTRFS_FIRST_FREE_OBJECTID;
    check(::ioctl(fd, BTRFS_IOC_INO_LOOKUP, &lookup), "find a subvolume's id");
    return lookup.treeid;
}

void createSubvolume(const fs::path& parent, const std::string& name) {
    auto arguments = named<btrfs_ioctl_vol_args>(name);
    check(::ioctl(openDirectory(parent).get(), BTRFS_IOC_SUBVOL_CREATE, &arguments), "create subvolume {}", (parent / name).string());
}

void snapshotSubvolume(const fs::path& from, const fs::path& parent, const std::string& name, Snapshot kind) {
    const UniqueFd source = openDirectory(from);
    auto arguments = named<btrfs_ioctl_vol_args_v2>(name);
    arguments.fd = source.get();
    arguments.flags = kind == Snapshot::read_only ? BTRFS_SUBVOL_RDONLY : 0;
    check(::ioctl(openDirectory(parent).get(), BTRFS_IOC_SNAP_CREATE_V2, &arguments), "snapshot {}", from.string());
}

void destroySubvolume(const fs::path& parent, const std::string& name) {
    const UniqueFd above = openDirectory(parent);
    const std::uint64_t id = subvolumeId(openDirectory(parent / name).get());
    auto arguments = named<btrfs_ioctl_vol_args>(name);
    if (::ioctl(above.get(), BTRFS_IOC_SNAP_DESTROY, &arguments) < 0) {
        if (errno == ENOTEMPTY) return;
        throw Error::system("delete subvolume " + (parent / name).string(), errno);
    }
    quota::dropGroup(above.get(), id);
}

std::unique_ptr<Space> subvolumeSpace() { return std::make_unique<SubvolumeSpace>(); }

}  // namespace davit::local
