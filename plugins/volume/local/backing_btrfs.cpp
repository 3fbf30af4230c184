#include "backing.hpp"
#include "base/error.hpp"

#ifdef DAVIT_BTRFS

#include <sys/stat.h>

#include "archive/btrfs_subvolume.hpp"
#include "base/check.hpp"

namespace davit::local {
namespace fs = std::filesystem;
namespace {

/// Each volume a subvolume, bounded by its quota group. A group counts bytes only.
class BtrfsBacking final : public Backing {
  public:
    std::string means() const override { return "btrfs quota group"; }
    bool canBound(const Limits& limits) const override { return limits.inodes == 0; }
    void makeTree(const fs::path& tree) override {
        btrfs::createSubvolume(tree);
        check(::chmod(tree.c_str(), 0755), "change the mode of {}", tree.string());
    }
    void copyTree(const fs::path& from, const fs::path& to) override { btrfs::snapshotSubvolume(from, to); }
    void dropTree(const fs::path& tree) override { (void)btrfs::deleteSubvolume(tree); }
    void bound(const fs::path& tree, const Limits& limits) override {
        if (limits.inodes != 0) throw Error(Code::unimplemented, "btrfs doesn't bound the number of inodes");
        btrfs::limitSubvolume(tree, limits.bytes);
    }
    std::optional<VolumeUsage> counted(const fs::path& tree) override {
        const auto usage = btrfs::usageOfSubvolume(tree);
        if (!usage) return std::nullopt;
        return VolumeUsage{.size = static_cast<std::int64_t>(usage->exclusive), .inodes = -1};
    }
};

}  // namespace

std::unique_ptr<Backing> btrfsBacking(const fs::path& root) {
    return btrfs::holds(root) ? std::make_unique<BtrfsBacking>() : nullptr;
}

}  // namespace davit::local

#else

namespace davit::local {

std::unique_ptr<Backing> btrfsBacking(const std::filesystem::path&) { return nullptr; }

}  // namespace davit::local

#endif
