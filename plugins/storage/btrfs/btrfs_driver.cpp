#include "btrfs_driver.hpp"

#include <btrfsutil.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "archive/btrfs_quota.hpp"
#include "base/check.hpp"
#include "base/file.hpp"
#include "base/remove_tree.hpp"
#include "davit/sdk.hpp"

namespace davit {
namespace fs = std::filesystem;
namespace {

UniqueFd openDirectory(const fs::path& path) { return openFile(path, O_RDONLY | O_DIRECTORY); }

void require(btrfs_util_error result, const std::string& doing) {
    if (result == BTRFS_UTIL_OK) return;
    const int code = errno;
    throw Error::system(doing + ": " + ::btrfs_util_strerror(result), code);
}

std::uint64_t subvolumeId(int fd) {
    std::uint64_t id = 0;
    require(::btrfs_util_subvolume_id_fd(fd, &id), "find a subvolume's id");
    return id;
}

void dropLayer(const fs::path& layer_dir, const std::stop_token& stop) {
    const fs::path tree = layer_dir / "root";
    const UniqueFd above = openDirectory(layer_dir);
    const UniqueFd fd(::openat(above.get(), "root", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (fd && ::btrfs_util_is_subvolume_fd(fd.get()) == BTRFS_UTIL_OK) {
        const std::uint64_t id = subvolumeId(fd.get());
        // Recursive: what ran inside may have made subvolumes of its own.
        require(::btrfs_util_delete_subvolume_fd(above.get(), "root", BTRFS_UTIL_DELETE_SUBVOLUME_RECURSIVE),
                "delete subvolume " + tree.string());
        archive::btrfs::dropGroup(above.get(), id);
    }
    (void)removeTree(layer_dir, stop);
}

std::string whyNot(const fs::path& path) {
    const std::string backing = archive::fileSystemName(path);
    return backing == "btrfs" ? "" : fmt::format("btrfs: {} is on {}", path.string(), backing);
}

}  // namespace

BtrfsDriver::BtrfsDriver(const DriverContext& context) : PlainTreeDriver(kName) { DriverConfig(context).finish(); }

void BtrfsDriver::prepare() {
    const std::string why = whyNot(home().path());
    if (!why.empty()) throw Error(Code::unimplemented, why);
}

void BtrfsDriver::makeTree(const fs::path& tree, const fs::path& parent_tree) {
    if (parent_tree.empty()) {
        require(::btrfs_util_create_subvolume(tree.c_str(), 0, nullptr, nullptr), "create subvolume " + tree.string());
        return dressEmptyTree(tree);
    }
    require(::btrfs_util_create_snapshot(parent_tree.c_str(), tree.c_str(), 0, nullptr, nullptr),
            "create snapshot " + tree.string());
}

archive::LayerHome::Dispose BtrfsDriver::disposer() const { return dropLayer; }

void BtrfsDriver::limitTree(const fs::path& tree, std::int64_t bytes) {
    const UniqueFd fd = openDirectory(tree);
    const std::uint64_t id = subvolumeId(fd.get());
    const bool counted = archive::btrfs::usageOf(fd.get(), id).has_value();
    if (!counted && bytes == 0) return;
    if (!counted) archive::btrfs::enableQuotas(fd.get());
    archive::btrfs::limitExclusive(fd.get(), id, static_cast<std::uint64_t>(bytes));
}

LayerUsage BtrfsDriver::usage(const std::string& id) {
    LayerUsage usage = PlainTreeDriver::usage(id);
    // Where quotas are on, the file system knows better; its count is as old as the last transaction.
    const UniqueFd tree = openDirectory(treeOf(id));
    const std::uint64_t subvolume = subvolumeId(tree.get());
    if (!archive::btrfs::usageOf(tree.get(), subvolume)) return usage;
    require(::btrfs_util_sync_fd(tree.get()), "sync layer " + id);
    if (const auto counted = archive::btrfs::usageOf(tree.get(), subvolume))
        usage.bytes = static_cast<std::int64_t>(counted->exclusive);
    return usage;
}

std::vector<std::pair<std::string, std::string>> BtrfsDriver::status() {
    const UniqueFd fd = openDirectory(home().path());
    const bool quotas = archive::btrfs::usageOf(fd.get(), subvolumeId(fd.get())).has_value();
    return {{"Backing Filesystem", "btrfs"}, {"Quotas", quotas ? "on" : "off"}};
}

StorageCapabilities BtrfsDriver::capabilities(const std::string& home_path) {
    StorageCapabilities abilities;
    abilities.unsuitable_why = whyNot(archive::nearestExisting(home_path));
    abilities.list = abilities.mounts = abilities.usage = abilities.clone = abilities.native_diff = true;
    abilities.set_limit = abilities.quota = true;
    abilities.preference = 30;
    return abilities;
}

}  // namespace davit
