// btrfs: every layer is a subvolume, a snapshot of its parent's; nothing is copied and nothing mounted. size= and
// SetLimit bound what a layer has for itself alone, by quota groups, which are turned on when the first limit is asked
// for.
#pragma once

#include "archive/plain_tree_driver.hpp"
#include "davit/context.hpp"

namespace davit {

class BtrfsDriver final : public archive::PlainTreeDriver {
  public:
    static constexpr const char* kName = "btrfs";
    static constexpr const char* kDescription = "layers as btrfs snapshots";
    explicit BtrfsDriver(const DriverContext& context);

    std::vector<std::pair<std::string, std::string>> status() override;
    StorageCapabilities capabilities(const std::string& home_path) override;
    LayerUsage usage(const std::string& id) override;

  protected:
    void prepare() override;
    void makeTree(const std::filesystem::path& tree, const std::filesystem::path& parent_tree) override;
    [[nodiscard]] archive::LayerHome::Dispose disposer() const override;
    bool canLimit() override { return true; }
    void limitTree(const std::filesystem::path& tree, std::int64_t bytes) override;
};

}  // namespace davit
