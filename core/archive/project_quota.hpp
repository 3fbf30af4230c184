// ProjectQuota: a limit on what a directory tree may occupy, by the project quotas of xfs and ext4. A project is a
// number on every file of a tree; new files inherit it. Any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "base/thread_annotations.hpp"

namespace davit::archive {

/// What a project may occupy, or occupies. As a limit 0 means none.
struct ProjectSize {
    std::int64_t bytes = 0;
    std::int64_t inodes = 0;
    bool operator==(const ProjectSize&) const = default;
};

class ProjectQuota {
  public:
    /// Far from what administrators number by hand; layers and volumes of one file system don't meet.
    static constexpr std::uint32_t kLayers = 0x4000'0000;
    static constexpr std::uint32_t kVolumes = 0x5000'0000;

    /// False when the file system that holds `home` doesn't enforce project quotas (mount option prjquota), or this
    /// process may not see them.
    [[nodiscard]] static bool enforcedAt(const std::filesystem::path& home);

    /// `trees` are directories whose projects are in use already. New ones are numbered from `first` on; a number that the
    /// file system knows a file or a limit of is passed over. Requires: enforcedAt(home).
    ProjectQuota(const std::filesystem::path& home, const std::vector<std::filesystem::path>& trees,
                 std::uint32_t first = kLayers);

    /// Gives the tree at `dir` a project of its own when it has none.
    void assign(const std::filesystem::path& dir) DAVIT_EXCLUDES(mutex_);
    /// Bounds the tree at `dir`, which gets a project of its own when it has none; 0 lifts a bound.
    void limit(const std::filesystem::path& dir, const ProjectSize& most) DAVIT_EXCLUDES(mutex_);

    /// What the tree's project occupies, the directory itself included; std::nullopt: it has none of its own. As fast for a
    /// million files as for one.
    [[nodiscard]] std::optional<ProjectSize> usage(const std::filesystem::path& dir) const;
    /// The bounds as the file system knows them.
    [[nodiscard]] std::optional<ProjectSize> limitOf(const std::filesystem::path& dir) const;

  private:
    std::uint32_t assignTo(int fd) DAVIT_EXCLUDES(mutex_);

    std::filesystem::path home_;
    std::uint32_t first_;
    Mutex mutex_;
    std::uint32_t next_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::archive
