#include "vfs_driver.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "archive/copy_tree.hpp"
#include "base/check.hpp"
#include "base/file.hpp"
#include "base/remove_tree.hpp"
#include "davit/sdk.hpp"

namespace davit {
namespace fs = std::filesystem;

VfsDriver::VfsDriver(const DriverContext& context) : PlainTreeDriver(kName) { DriverConfig(context).finish(); }

void VfsDriver::prepare() {
    std::vector<fs::path> trees;
    for (const std::string& id : home().list()) trees.push_back(treeOf(id));
    if (archive::ProjectQuota::enforcedAt(home().path())) quota_.emplace(home().path(), trees);
}

void VfsDriver::makeTree(const fs::path& tree, const fs::path& parent_tree) {
    check(::mkdir(tree.c_str(), 0755), "create directory {}", tree.string());
    if (parent_tree.empty()) return dressEmptyTree(tree);
    archive::copyTree(openFile(parent_tree, O_RDONLY | O_DIRECTORY).get(),
                      openFile(tree, O_RDONLY | O_DIRECTORY).get());
}

archive::LayerHome::Dispose VfsDriver::disposer() const {
    return [](const fs::path& layer_dir, const std::stop_token& stop) { (void)removeTree(layer_dir, stop); };
}

void VfsDriver::limitTree(const fs::path& tree, std::int64_t bytes) { quota_->limit(tree, {.bytes = bytes}); }

std::vector<std::pair<std::string, std::string>> VfsDriver::status() {
    return {{"Backing Filesystem", archive::fileSystemName(home().path())},
            {"Supports quota", canLimit() ? "true" : "false"}};
}

StorageCapabilities VfsDriver::capabilities(const std::string& home_path) {
    const bool limits = archive::ProjectQuota::enforcedAt(archive::nearestExisting(home_path));
    StorageCapabilities abilities;
    abilities.list = abilities.mounts = abilities.usage = abilities.clone = abilities.native_diff = true;
    abilities.set_limit = abilities.quota = limits;
    abilities.preference = 10;
    return abilities;
}

}  // namespace davit
