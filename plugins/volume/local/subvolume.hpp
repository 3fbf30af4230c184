// Subvolumes of btrfs, by the kernel's own calls. Needs root. Any thread.
#pragma once

#include <cstdint>
#include <filesystem>

namespace davit::local {

/// Whether subvolumes can be made below the directory.
[[nodiscard]] bool hasSubvolumes(const std::filesystem::path& directory);
[[nodiscard]] bool isSubvolume(const std::filesystem::path& path);
[[nodiscard]] std::uint64_t subvolumeId(int fd);

void createSubvolume(const std::filesystem::path& parent, const std::string& name);
enum class Snapshot { writable, read_only };
void snapshotSubvolume(const std::filesystem::path& from, const std::filesystem::path& parent, const std::string& name, Snapshot kind);
/// With its quota group. One that has others inside is left for who removes trees.
void destroySubvolume(const std::filesystem::path& parent, const std::string& name);

}  // namespace davit::local
