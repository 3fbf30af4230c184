#include "backing.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <set>

#include "archive/copy_tree.hpp"
#include "archive/project_quota.hpp"
#include "base/check.hpp"
#include "base/file.hpp"
#include "base/tree_walker.hpp"
#include "davit/context.hpp"

namespace davit::local {
namespace fs = std::filesystem;
namespace {

constexpr int kCheckEvery = 1024;

/// ext4 or xfs with project quotas: each volume is a project, whether it is bounded or only counted.
class ProjectBacking final : public Backing {
  public:
    ProjectBacking(const fs::path& root, const std::vector<fs::path>& trees) : quota_(root, trees) {}
    std::string means() const override { return "project quota"; }
    bool canBound(const Limits&) const override { return true; }
    void makeTree(const fs::path& tree) override {
        Backing::makeTree(tree);
        quota_.count(tree);
    }
    void copyTree(const fs::path& from, const fs::path& to) override {
        makeTree(to);
        archive::copyTree(openFile(from, O_RDONLY | O_DIRECTORY).get(), openFile(to, O_RDONLY | O_DIRECTORY).get());
    }
    void bound(const fs::path& tree, const Limits& limits) override { quota_.bound(tree, {.bytes = limits.bytes, .inodes = limits.inodes}); }
    std::optional<VolumeUsage> counted(const fs::path& tree) override {
        const auto usage = archive::ProjectQuota::usage(tree);
        if (!usage) return std::nullopt;
        return VolumeUsage{.size = usage->bytes, .inodes = usage->inodes};
    }

  private:
    archive::ProjectQuota quota_;
};

}  // namespace

void Backing::makeTree(const fs::path& tree) {
    check(::mkdir(tree.c_str(), 0755), "create directory {}", tree.string());
    check(::chmod(tree.c_str(), 0755), "change the mode of {}", tree.string());  // whatever the umask
}

void Backing::copyTree(const fs::path& from, const fs::path& to) {
    makeTree(to);
    archive::copyTree(openFile(from, O_RDONLY | O_DIRECTORY).get(), openFile(to, O_RDONLY | O_DIRECTORY).get());
}

void Backing::bound(const fs::path&, const Limits& limits) {
    if (limits.any()) throw Error(Code::unimplemented, "the volume's file system bounds no directories: it isn't mounted with prjquota");
}

std::unique_ptr<Backing> chooseBacking(const fs::path& root, const std::vector<fs::path>& trees) {
    if (auto btrfs = btrfsBacking(root)) return btrfs;
    if (archive::ProjectQuota::enforcedAt(root)) return std::make_unique<ProjectBacking>(root, trees);
    return std::make_unique<Backing>();
}

VolumeUsage measure(const fs::path& tree) {
    VolumeUsage usage{.size = 0, .inodes = 1};
    std::set<std::pair<dev_t, ino_t>> seen;  // only of what has several names
    TreeWalker walker(openFile(tree, O_RDONLY | O_DIRECTORY));
    int count = 0;
    while (const auto event = walker.next()) {
        if (*event == TreeWalker::Event::leave) continue;
        if (++count % kCheckEvery == 0) CurrentCall::check("measure " + tree.string());
        const struct stat& info = walker.info();
        const bool has_names = !S_ISDIR(info.st_mode) && info.st_nlink > 1;
        if (has_names && !seen.emplace(info.st_dev, info.st_ino).second) continue;
        if (!S_ISDIR(info.st_mode)) usage.size += std::int64_t{info.st_blocks} * 512;
        ++usage.inodes;
    }
    return usage;
}

}  // namespace davit::local
