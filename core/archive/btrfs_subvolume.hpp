// Subvolumes of btrfs, as the drivers that are made of them need them. Needs root. Any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "archive/btrfs_qgroup.hpp"

namespace davit::btrfs {

/// Whether the file system that holds `path` is btrfs.
[[nodiscard]] bool holds(const std::filesystem::path& path);

void createSubvolume(const std::filesystem::path& path);
/// A writable copy of `source`, at once and whatever its size.
void snapshotSubvolume(const std::filesystem::path& source, const std::filesystem::path& path);
/// With the subvolumes inside and its quota group. False: there is no subvolume of that name.
bool deleteSubvolume(const std::filesystem::path& path);

/// Bounds what the subvolume has for itself alone; 0 lifts the bound. Quotas of the file system are turned on when the first bound
/// is asked for.
void limitSubvolume(const std::filesystem::path& path, std::int64_t bytes);
/// As of now (the file system is synced for it); std::nullopt while quotas are off.
[[nodiscard]] std::optional<GroupUsage> usageOfSubvolume(const std::filesystem::path& path);
/// Whether quotas are on for the file system that holds the subvolume.
[[nodiscard]] bool countsAt(const std::filesystem::path& path);

}  // namespace davit::btrfs
