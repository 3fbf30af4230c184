// Quota groups of btrfs: each subvolume has one of its own (level 0, the subvolume's id). Needs root. Any thread.
#pragma once

#include <cstdint>
#include <optional>

namespace davit::archive::btrfs {

/// What a quota group says. The numbers are those of the last committed transaction.
struct GroupUsage {
    std::uint64_t referenced = 0;
    std::uint64_t exclusive = 0;  ///< not shared with any other subvolume
};

/// Turns quotas on for the whole file system, if they aren't, and waits until all that exists has been counted.
void enableQuotas(int fd);

/// Bounds what the subvolume has for itself alone; 0 lifts the bound. Requires quotas to be on.
void limitExclusive(int subvolume_fd, std::uint64_t subvolume, std::uint64_t bytes);

/// Bounds what can be reached in the subvolume, whoever shares it; 0 lifts the bound. Requires quotas to be on.
void limitReferenced(int subvolume_fd, std::uint64_t subvolume, std::uint64_t bytes);

/// std::nullopt while quotas are off.
[[nodiscard]] std::optional<GroupUsage> usageOf(int fd, std::uint64_t subvolume);

/// Drops the group of a subvolume that is gone. The kernel refuses as long as it is still clearing up: then it stays,
/// empty.
void dropGroup(int fd, std::uint64_t subvolume) noexcept;

}  // namespace davit::archive::btrfs
