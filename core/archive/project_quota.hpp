// ProjectQuota: a limit on what a directory tree may occupy, by the project quotas of xfs and ext4. A project is a
// number on every file of a tree; new files inherit it. Any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "base/thread_annotations.hpp"

namespace davit::archive {

class ProjectQuota {
  public:
    /// False when the file system that holds `home` doesn't enforce project quotas (mount option prjquota), or this
    /// process may not see them.
    [[nodiscard]] static bool enforcedAt(const std::filesystem::path& home);

    /// `layers` are directories whose projects are in use already. Requires: enforcedAt(home).
    ProjectQuota(const std::filesystem::path& home, const std::vector<std::filesystem::path>& layers);

    struct Bounds {
        std::int64_t bytes = 0;   ///< 0: none
        std::int64_t inodes = 0;  ///< 0: none
    };
    struct Usage {
        std::int64_t bytes = 0;
        std::int64_t inodes = 0;
    };

    /// Bounds the tree at `dir`, which gets a project of its own when it has none; 0 lifts the bound.
    void limit(const std::filesystem::path& dir, std::int64_t bytes) { bound(dir, {.bytes = bytes}); }
    void bound(const std::filesystem::path& dir, const Bounds& bounds);
    /// Gives the tree a project of its own unless it has one: from then on usage() knows it.
    void count(const std::filesystem::path& dir);
    /// std::nullopt: the tree has no project of its own.
    [[nodiscard]] static std::optional<Usage> usage(const std::filesystem::path& dir);

  private:
    std::uint32_t ownProject(int fd) DAVIT_EXCLUDES(mutex_);

    std::filesystem::path home_;
    Mutex mutex_;
    std::uint32_t next_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::archive
