#include "space.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "archive/copy_tree.hpp"
#include "archive/project_quota.hpp"
#include "base/check.hpp"
#include "base/file.hpp"
#include "base/remove_tree.hpp"
#include "base/tree_walker.hpp"
#include "store.hpp"
#include "subvolume.hpp"

namespace davit::local {
namespace fs = std::filesystem;
using archive::ProjectQuota;
namespace {

void makeData(const fs::path& place) {
    const fs::path data = place / kData;
    check(::mkdir(data.c_str(), 0755), "create directory {}", data.string());
    check(::chmod(data.c_str(), 0755), "change mode of {}", data.string());  // whatever the umask is
}

class DirectorySpace : public Space {
  public:
    [[nodiscard]] std::string_view name() const noexcept override { return "directory"; }
    [[nodiscard]] std::string_view means() const noexcept override { return "nothing"; }
    void make(const fs::path& place, const Limits&) override { makeData(place); }
    void limit(const fs::path& place, const Limits& limits) override {
        if (!limits.any()) return;
        throw error(Code::invalid, "limit {}: it was made without a limit where the file system has no quotas; clone it with a size", place.string());
    }
    [[nodiscard]] std::optional<VolumeUsage> usage(const fs::path&) override { return std::nullopt; }
};

class ProjectSpace final : public Space {
  public:
    explicit ProjectSpace(const fs::path& root) : root_(root), quota_(root, {}, ProjectQuota::kVolumes) {}
    [[nodiscard]] std::string_view name() const noexcept override { return "project"; }
    [[nodiscard]] std::string_view means() const noexcept override { return "project quota"; }

    void make(const fs::path& place, const Limits& limits) override {
        makeData(place);
        assign(place);
        if (limits.any()) limit(place, limits);
    }
    void limit(const fs::path& place, const Limits& limits) override {
        quota_.limit(place / kData, {.bytes = limits.size, .inodes = limits.inodes == 0 ? 0 : limits.inodes + 1});  // and the directory itself
    }
    [[nodiscard]] std::optional<VolumeUsage> usage(const fs::path& place) override {
        if (!ProjectQuota::enforcedAt(root_)) return std::nullopt;
        const auto size = quota_.usage(place / kData);
        if (!size) return std::nullopt;
        return VolumeUsage{.size = size->bytes, .inodes = std::max<std::int64_t>(0, size->inodes - 1)};
    }

  private:
    // A number is taken once a file has it: until then others of this driver wait, in other processes too.
    void assign(const fs::path& place) {
        const UniqueFd file = openFile(root_ / ".projects", O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
        check(::flock(file.get(), LOCK_EX), "lock the projects of {}", root_.string());
        quota_.assign(place / kData);
    }

    fs::path root_;
    ProjectQuota quota_;
};

void liftProject(const fs::path& data) {
    if (!ProjectQuota::enforcedAt(data.parent_path()) || ::access(data.c_str(), F_OK) < 0) return;
    ProjectQuota(data.parent_path(), {}, ProjectQuota::kVolumes).limit(data, {});
}

void disposeData(const fs::path& place) {
    if (::access((place / kData).c_str(), F_OK) < 0) return;
    if (isSubvolume(place / kData))
        destroySubvolume(place, kData);
    else
        liftProject(place / kData);
}

}  // namespace

void Space::makeCopy(const fs::path& from, const fs::path& place, const Limits& limits) {
    make(place, limits);
    archive::copyTree(openFile(from, O_RDONLY | O_DIRECTORY).get(), openFile(place / kData, O_RDONLY | O_DIRECTORY).get());
}

void Space::makeSnapshot(const fs::path& from, const fs::path& place) {
    makeData(place);
    archive::copyTree(openFile(from, O_RDONLY | O_DIRECTORY).get(), openFile(place / kData, O_RDONLY | O_DIRECTORY).get());
}

void Space::bring(const fs::path&) {}

Spaces::Spaces(const fs::path& root, Programs& programs, Mounter& mounter) : root_(root) {
    all_.push_back(directorySpace());
    all_.push_back(projectSpace(root));
    all_.push_back(subvolumeSpace());
    all_.push_back(loopSpace(programs, mounter));
}

Space& Spaces::named(std::string_view name) {
    for (const auto& space : all_)
        if (space->name() == name) return *space;
    throw error(Code::system, "a volume's space is \"{}\", which this version doesn't know", name);
}

Space& Spaces::choose(const Limits& limits) {
    if (hasSubvolumes(root_) && limits.inodes == 0) return named("subvolume");
    if (ProjectQuota::enforcedAt(root_)) return named("project");
    if (!limits.any()) return named("directory");
    if (limits.size == 0)
        throw error(Code::invalid, "inodes: {} has no quotas of inodes; with a size, too, the volume could be a file with a file system", root_.string());
    if (Programs::find("mkfs.ext4").empty())
        throw error(Code::invalid, "size: {} has no quotas, and for a file with a file system mkfs.ext4 is missing", root_.string());
    if (::access("/dev/loop-control", F_OK) < 0)
        throw error(Code::invalid, "size: {} has no quotas, and for a file with a file system there are no loop devices", root_.string());
    return named("loop");
}

void disposeOf(const fs::path& path, const std::stop_token& stop) {
    disposeData(path);
    if (const UniqueFd snapshots{::open((path / kSnapshots).c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)})
        for (const std::string& name : directoryNames(snapshots.get())) disposeData(path / kSnapshots / name);
    (void)removeTree(path, stop);
}

std::unique_ptr<Space> directorySpace() { return std::make_unique<DirectorySpace>(); }
std::unique_ptr<Space> projectSpace(const fs::path& root) { return std::make_unique<ProjectSpace>(root); }

}  // namespace davit::local
