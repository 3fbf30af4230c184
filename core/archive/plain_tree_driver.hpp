// PlainTreeDriver: what storage drivers share whose layers are whole trees (vfs copies them, btrfs snapshots them).
// Such a driver says how a tree is made from its parent's and how it is dropped; everything else is here.
//
//     <home>/layers/<id>/root     the tree, which is what get() returns: nothing is ever mounted
//     <home>/layers/<id>/parent   the parent's id, missing when there is none
//
// Options of storage layers: size=N (where the driver can bound it), volatile=true (accepted: nothing here depends on
// it). Threads: as driver.hpp says; operations on one layer take turns.
#pragma once

#include <filesystem>
#include <optional>

#include "archive/layer_home.hpp"
#include "driver/storage_driver.hpp"

namespace davit::archive {

class PlainTreeDriver : public StorageDriver {
  public:
    void init(const StorageInit& request) override;
    Options metadata(const std::string& id) override;
    bool exists(const std::string& id) override { return home().has(id); }
    void create(const CreateLayer& request) override { make(request); }
    void createWritable(const CreateLayer& request) override { make(request); }
    void remove(const std::string& id) override;
    std::string get(const std::string& id, const std::string& mount_label) override;
    void put(const std::string& id) override;
    void cleanup() override {}
    void diff(const std::string& id, const std::string& parent, ByteSink& tar) override;
    std::int64_t applyDiff(const std::string& id, const std::string& parent, ByteSource& tar) override;
    std::vector<LayerChange> changes(const std::string& id, const std::string& parent) override;
    std::int64_t diffSize(const std::string& id, const std::string& parent) override;
    std::vector<std::string> list() override { return home().list(); }
    std::vector<MountSpec> mounts(const std::string& id, const std::string& mount_label) override;
    /// Without the parent, whatever the tree's own copy of it may occupy: the sizes of what differs.
    LayerUsage usage(const std::string& id) override;
    void clone(const std::string& id, const std::string& source) override;
    void setLimit(const std::string& id, std::int64_t bytes) override;

  protected:
    /// `name` is the driver's, for the texts of errors; a "name.key=value" option is the same as "key=value".
    explicit PlainTreeDriver(std::string name) : name_(std::move(name)) {}

    /// Called by init() when the home exists. May throw Error{unimplemented} when the host doesn't suit.
    virtual void prepare() = 0;
    /// Makes the directory `tree`: empty with mode 0755 when `parent_tree` is empty, else with all of its content.
    virtual void makeTree(const std::filesystem::path& tree, const std::filesystem::path& parent_tree) = 0;
    /// What deletes a layer's directory with the tree in it, whole or half made. It is called until the end of this base
    /// class, so it keeps nothing of the driver's.
    [[nodiscard]] virtual LayerHome::Dispose disposer() const = 0;
    /// Whether limitTree() works on this host.
    virtual bool canLimit() = 0;
    /// Bounds a tree; 0 lifts the bound.
    virtual void limitTree(const std::filesystem::path& tree, std::int64_t bytes) = 0;

    /// Before init(): Error{system}.
    [[nodiscard]] LayerHome& home();
    [[nodiscard]] std::filesystem::path treeOf(const std::string& id) { return home().require(id) / "root"; }
    [[nodiscard]] std::string parentOfLayer(const std::string& id);
    /// Owner and mode of a tree that has just been made empty: the container's root, 0755.
    void dressEmptyTree(const std::filesystem::path& tree) const;

  private:
    void make(const CreateLayer& request);
    void takeOption(const std::string& option);
    std::int64_t sizeOf(const Options& storage_opt) const;
    void requireLimits();

    std::string name_;
    std::optional<LayerHome> home_;
    LayerUses uses_;
    std::vector<IdMap> uid_maps_;
    std::vector<IdMap> gid_maps_;
    std::int64_t default_size_ = 0;
};

/// "extfs", "xfs", "btrfs", …: Docker's words for the file system that holds the path.
[[nodiscard]] std::string fileSystemName(const std::filesystem::path& path);

/// The path itself or the nearest directory above it that exists.
[[nodiscard]] std::filesystem::path nearestExisting(std::filesystem::path path);

}  // namespace davit::archive
