#include "btrfs_driver.hpp"

#include "archive/btrfs_subvolume.hpp"
#include "base/check.hpp"
#include "base/remove_tree.hpp"
#include "davit/sdk.hpp"

namespace davit {
namespace fs = std::filesystem;
namespace {

void dropLayer(const fs::path& layer_dir, const std::stop_token& stop) {
    (void)btrfs::deleteSubvolume(layer_dir / "root");
    (void)removeTree(layer_dir, stop);
}

std::string whyNot(const fs::path& path) {
    return btrfs::holds(path) ? "" : fmt::format("btrfs: {} is on {}", path.string(), archive::fileSystemName(path));
}

}  // namespace

BtrfsDriver::BtrfsDriver(const DriverContext& context) : PlainTreeDriver(kName) { DriverConfig(context).finish(); }

void BtrfsDriver::prepare() {
    const std::string why = whyNot(home().path());
    if (!why.empty()) throw Error(Code::unimplemented, why);
}

void BtrfsDriver::makeTree(const fs::path& tree, const fs::path& parent_tree) {
    if (!parent_tree.empty()) return btrfs::snapshotSubvolume(parent_tree, tree);
    btrfs::createSubvolume(tree);
    dressEmptyTree(tree);
}

archive::LayerHome::Dispose BtrfsDriver::disposer() const { return dropLayer; }

void BtrfsDriver::limitTree(const fs::path& tree, std::int64_t bytes) { btrfs::limitSubvolume(tree, bytes); }

LayerUsage BtrfsDriver::usage(const std::string& id) {
    LayerUsage usage = PlainTreeDriver::usage(id);
    // Where quotas are on, the file system knows better.
    if (const auto counted = btrfs::usageOfSubvolume(treeOf(id))) usage.bytes = static_cast<std::int64_t>(counted->exclusive);
    return usage;
}

std::vector<std::pair<std::string, std::string>> BtrfsDriver::status() {
    return {{"Backing Filesystem", "btrfs"}, {"Quotas", btrfs::countsAt(home().path()) ? "on" : "off"}};
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
