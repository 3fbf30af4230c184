// overlay2: every layer keeps its own changes; the kernel's overlayfs shows them on top of the layers below.
//
//     <home>/layers/<id>/diff       the layer's own content, an overlayfs upper directory
//     <home>/layers/<id>/work       overlayfs' scratch directory
//     <home>/layers/<id>/merged     where get() mounts it; made by the first get()
//     <home>/layers/<id>/layer      lines "parent <id>", "lower l/A:l/B" (the short names of the layers below, nearest
//                                   first) and "volatile" (needn't survive a crash), where they apply
//     <home>/layers/<id>/link       its short name; present once layers stand on it: it is mounted read-only from then on
//     <home>/l/<short name>         link to ../layers/<id>/diff
//     <home>/ready/                 see draft_stock.hpp
//
// A container's layer is made and removed with every container: each file and directory less counts (on ext4 an inode is
// dear soon after others were deleted).
// Nothing of this is kept in memory but the counts of get(): a mount that a dead process left is unmounted by init().
// Options of storage layers: size=N where project quotas are enforced; volatile=true for containers removed on exit
// (spares the sync of the whole file system at the unmount). Threads: as driver.hpp says; operations on one layer take
// turns.
#pragma once

#include <optional>

#include "archive/layer_home.hpp"
#include "archive/project_quota.hpp"
#include "base/unique_fd.hpp"
#include "davit/context.hpp"
#include "draft_stock.hpp"
#include "driver/storage_driver.hpp"
#include "overlay_mount.hpp"
#include "overlay_probe.hpp"

namespace davit {

class Overlay2Driver final : public StorageDriver {
  public:
    static constexpr const char* kName = "overlay2";
    static constexpr const char* kDescription = "layers stacked by the kernel's overlayfs";
    explicit Overlay2Driver(const DriverContext& context);

    void init(const StorageInit& request) override;
    std::vector<std::pair<std::string, std::string>> status() override;
    StorageCapabilities capabilities(const std::string& home_path) override;
    Options metadata(const std::string& id) override;
    bool exists(const std::string& id) override { return home().has(id); }
    void create(const CreateLayer& request) override { make(request); }
    void createWritable(const CreateLayer& request) override { make(request); }
    void remove(const std::string& id) override;
    std::string get(const std::string& id, const std::string& mount_label) override;
    void put(const std::string& id) override;
    void cleanup() override;
    void diff(const std::string& id, const std::string& parent, ByteSink& tar) override;
    std::int64_t applyDiff(const std::string& id, const std::string& parent, ByteSource& tar) override;
    std::vector<LayerChange> changes(const std::string& id, const std::string& parent) override;
    std::int64_t diffSize(const std::string& id, const std::string& parent) override;
    std::vector<std::string> list() override { return home().list(); }
    std::vector<MountSpec> mounts(const std::string& id, const std::string& mount_label) override;
    LayerUsage usage(const std::string& id) override;
    void setLimit(const std::string& id, std::int64_t bytes) override;
    void clone(const std::string& id, const std::string& source) override;

  private:
    /// What a layer's files say.
    struct Layer {
        std::filesystem::path dir;
        std::string link;  ///< empty: no layer stands on it
        std::vector<std::string> lowers;
        std::string parent;
        bool is_volatile = false;

        [[nodiscard]] bool committed() const { return !link.empty(); }
    };
    struct LayerOptions {
        std::int64_t size = 0;
        bool is_volatile = false;
    };
    class View;

    [[nodiscard]] archive::LayerHome& home();
    [[nodiscard]] Layer layer(const std::string& id);
    void takeOption(const std::string& option);
    [[nodiscard]] LayerOptions optionsOf(const Options& storage_opt) const;
    void requireLimits();
    void make(const CreateLayer& request);
    void fill(const std::filesystem::path& draft, const CreateLayer& request, const LayerOptions& options,
              const std::optional<Layer>& parent) const;
    void makeDiff(const std::filesystem::path& diff, const std::filesystem::path& parent_diff) const;
    /// The layer that a new one is to stand on: gets its short name if it has none.
    [[nodiscard]] Layer commit(const std::string& id);
    void link(const std::filesystem::path& layer_dir, const std::string& id, const std::string& name) const;
    void mountMerged(const Layer& layer, const std::string& id, const std::string& label) const;
    [[nodiscard]] overlay2::Overlay overlayOf(const Layer& layer, const std::string& id,
                                              const std::string& label) const;
    void dispose(const std::filesystem::path& layer_dir, const std::stop_token& stop) const;
    void recover();
    [[nodiscard]] std::vector<UniqueFd> openLowers(const Layer& layer);

    overlay2::Probe probe_;
    std::filesystem::path home_path_;
    std::vector<std::string> extra_flags_;
    std::vector<IdMap> uid_maps_;
    std::vector<IdMap> gid_maps_;
    std::int64_t default_size_ = 0;
    std::optional<archive::ProjectQuota> quota_;
    archive::LayerUses uses_;
    std::size_t prepared_ = 0;
    std::optional<archive::LayerHome> home_;  ///< its thread calls dispose() until its end
    std::optional<overlay2::DraftStock> stock_;
};

}  // namespace davit
