#include "archive/plain_tree_driver.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "archive/compare.hpp"
#include "archive/id_map.hpp"
#include "archive/pack.hpp"
#include "archive/unpack.hpp"
#include "base/check.hpp"
#include "base/file.hpp"

namespace davit::archive {
namespace fs = std::filesystem;
namespace {

UniqueFd openTree(const fs::path& path) { return openFile(path, O_RDONLY | O_DIRECTORY); }

}  // namespace

LayerHome& PlainTreeDriver::home() {
    if (!home_) throw error(Code::system, "{}: not initialised", name_);
    return *home_;
}

void PlainTreeDriver::init(const StorageInit& request) {
    uid_maps_ = request.uid_maps;
    gid_maps_ = request.gid_maps;
    for (const std::string& option : request.options) takeOption(option);
    home_.emplace(request.home, disposer());
    prepare();
    if (default_size_ > 0) requireLimits();
}

void PlainTreeDriver::takeOption(const std::string& option) {
    const auto [key, value] = splitOption(option, name_);
    if (key != "size") throw error(Code::invalid, "unknown option {} for {}", key, name_);
    default_size_ = parseSize(value);
}

void PlainTreeDriver::requireLimits() {
    if (!canLimit())
        throw error(Code::invalid, "{}: size= isn't supported on this host: the {} at {} enforces no quota", name_,
                    fileSystemName(home().path()), home().path().string());
}

std::int64_t PlainTreeDriver::sizeOf(const Options& storage_opt) const {
    std::int64_t size = default_size_;
    for (const auto& [key, value] : storage_opt) {
        if (key == "size")
            size = parseSize(value);
        else if (key == "volatile")
            (void)parseFlag(key, value);
        else
            throw error(Code::invalid, "unknown option {} for {}", key, name_);
    }
    return size;
}

void PlainTreeDriver::dressEmptyTree(const fs::path& tree) const {
    const UniqueFd fd = openTree(tree);
    check(::fchmod(fd.get(), 0755), "change the mode of {}", tree.string());
    check(::fchown(fd.get(), toHostId(uid_maps_, 0), toHostId(gid_maps_, 0)), "change the owner of {}", tree.string());
}

void PlainTreeDriver::make(const CreateLayer& request) {
    const std::int64_t size = sizeOf(request.storage_opt);
    if (size > 0) requireLimits();
    const fs::path parent = request.parent.empty() ? fs::path() : treeOf(request.parent);
    const auto draft = home().draft(request.id);
    makeTree(draft->path() / "root", parent);
    if (size > 0) limitTree(draft->path() / "root", size);
    if (!request.parent.empty()) writeFileAtomically(draft->path() / "parent", request.parent);
    draft->publish(request.id);
}

void PlainTreeDriver::clone(const std::string& id, const std::string& source) {
    const fs::path tree = treeOf(source);
    const std::string parent = parentOfLayer(source);
    const auto draft = home().draft(id);
    makeTree(draft->path() / "root", tree);
    if (!parent.empty()) writeFileAtomically(draft->path() / "parent", parent);
    draft->publish(id);
}

std::string PlainTreeDriver::parentOfLayer(const std::string& id) {
    return readFile(home().require(id) / "parent").value_or("");
}

void PlainTreeDriver::remove(const std::string& id) {
    LayerUses::Hold hold(uses_, id);
    if (hold.count() > 0) throw error(Code::conflict, "remove layer {}: it is in use", id);
    home().remove(id);
}

std::string PlainTreeDriver::get(const std::string& id, const std::string&) {
    LayerUses::Hold hold(uses_, id);
    std::string path = treeOf(id).string();
    ++hold.count();
    return path;
}

void PlainTreeDriver::put(const std::string& id) {
    LayerUses::Hold hold(uses_, id);
    if (hold.count() == 0) throw error(Code::not_found, "put layer {}: it isn't in use", id);
    --hold.count();
}

Options PlainTreeDriver::metadata(const std::string& id) {
    (void)home().require(id);
    return {};
}

std::vector<MountSpec> PlainTreeDriver::mounts(const std::string& id, const std::string&) {
    return {{.type = "bind", .source = treeOf(id).string(), .options = {}}};
}

std::int64_t PlainTreeDriver::applyDiff(const std::string& id, const std::string&, ByteSource& tar) {
    const UniqueFd tree = openTree(treeOf(id));
    return unpackLayer(tar, tree.get(), {.whiteouts = Whiteouts::remove, .uid_maps = uid_maps_, .gid_maps = gid_maps_});
}

std::vector<LayerChange> PlainTreeDriver::changes(const std::string& id, const std::string& parent) {
    const UniqueFd tree = openTree(treeOf(id));
    const UniqueFd below = parent.empty() ? UniqueFd() : openTree(treeOf(parent));
    return compareTrees(below.get(), tree.get());
}

void PlainTreeDriver::diff(const std::string& id, const std::string& parent, ByteSink& tar) {
    const UniqueFd tree = openTree(treeOf(id));
    const PackOptions options{.uid_maps = uid_maps_, .gid_maps = gid_maps_};
    if (parent.empty()) return packTree(tree.get(), tar, options);
    packLayer(tree.get(), changes(id, parent), tar, options);
}

std::int64_t PlainTreeDriver::diffSize(const std::string& id, const std::string& parent) {
    const UniqueFd tree = openTree(treeOf(id));
    return parent.empty() ? treeSize(tree.get()) : changesSize(tree.get(), changes(id, parent));
}

LayerUsage PlainTreeDriver::usage(const std::string& id) {
    const UniqueFd tree = openTree(treeOf(id));
    const std::string parent = parentOfLayer(id);
    if (parent.empty()) return treeUsage(tree.get());
    const auto differing = changes(id, parent);
    LayerUsage usage{.bytes = changesSize(tree.get(), differing), .inodes = 0};
    for (const LayerChange& change : differing) usage.inodes += change.kind == LayerChange::Kind::deleted ? 0 : 1;
    return usage;
}

void PlainTreeDriver::setLimit(const std::string& id, std::int64_t bytes) {
    if (bytes < 0) throw error(Code::invalid, "limit layer {}: negative size", id);
    const fs::path tree = treeOf(id);
    requireLimits();
    limitTree(tree, bytes);
}

std::string fileSystemName(const fs::path& path) {
    struct statfs info {};
    if (::statfs(path.c_str(), &info) < 0) return "unknown";
    switch (static_cast<unsigned long>(info.f_type)) {
        case EXT4_SUPER_MAGIC:
            return "extfs";
        case XFS_SUPER_MAGIC:
            return "xfs";
        case BTRFS_SUPER_MAGIC:
            return "btrfs";
        case TMPFS_MAGIC:
            return "tmpfs";
        case OVERLAYFS_SUPER_MAGIC:
            return "overlayfs";
        case F2FS_SUPER_MAGIC:
            return "f2fs";
        case NFS_SUPER_MAGIC:
            return "nfs";
        case FUSE_SUPER_MAGIC:
            return "fuse";
        case 0x2fc12fc1:
            return "zfs";
        default:
            return fmt::format("unknown (0x{:x})", static_cast<unsigned long>(info.f_type));
    }
}

fs::path nearestExisting(fs::path path) {
    while (::access(path.c_str(), F_OK) < 0 && path.has_parent_path() && path != path.parent_path())
        path = path.parent_path();
    return path;
}

}  // namespace davit::archive
