// vfs: every layer is a full copy of its parent, by reflink where the file system shares data, else by the kernel's
// copy. Works everywhere and mounts nothing; needs the most space and time. Bounds layers by project quotas where the
// file system enforces them.
#pragma once

#include <optional>

#include "archive/plain_tree_driver.hpp"
#include "archive/project_quota.hpp"
#include "davit/context.hpp"

namespace davit {

class VfsDriver final : public archive::PlainTreeDriver {
  public:
    static constexpr const char* kName = "vfs";
    static constexpr const char* kDescription = "each layer a full copy, on any file system";
    explicit VfsDriver(const DriverContext& context);

    std::vector<std::pair<std::string, std::string>> status() override;
    StorageCapabilities capabilities(const std::string& home_path) override;

  protected:
    void prepare() override;
    void makeTree(const std::filesystem::path& tree, const std::filesystem::path& parent_tree) override;
    [[nodiscard]] archive::LayerHome::Dispose disposer() const override;
    bool canLimit() override { return quota_.has_value(); }
    void limitTree(const std::filesystem::path& tree, std::int64_t bytes) override;

  private:
    std::optional<archive::ProjectQuota> quota_;
};

}  // namespace davit
