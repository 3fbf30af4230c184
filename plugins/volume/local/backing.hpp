// Backing: what the trees of plain volumes are made of on the file system that holds them, and what that can bound and count. One
// implementation per means; which one serves is found out once. Any thread; the caller holds the volume.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "driver/volume_driver.hpp"
#include "options.hpp"

namespace davit::local {

class Backing {
  public:
    virtual ~Backing() = default;
    /// What bounds a volume, in words; empty: nothing does.
    [[nodiscard]] virtual std::string means() const { return {}; }
    /// Whether it can bound so; where it can't, a file of its own does (loop_file.hpp).
    [[nodiscard]] virtual bool canBound(const Limits&) const { return false; }
    virtual void makeTree(const std::filesystem::path& tree);
    /// `to` doesn't exist and becomes a writable copy.
    virtual void copyTree(const std::filesystem::path& from, const std::filesystem::path& to);
    /// Before the tree's directory is deleted.
    virtual void dropTree(const std::filesystem::path&) {}
    virtual void bound(const std::filesystem::path& tree, const Limits& limits);
    /// What the file system has counted; std::nullopt: it counts nothing.
    [[nodiscard]] virtual std::optional<VolumeUsage> counted(const std::filesystem::path&) { return std::nullopt; }
};

/// The best one for that directory. `trees` are the volumes' that exist.
[[nodiscard]] std::unique_ptr<Backing> chooseBacking(const std::filesystem::path& root, const std::vector<std::filesystem::path>& trees);

/// btrfs, or null where that isn't what holds `root`.
[[nodiscard]] std::unique_ptr<Backing> btrfsBacking(const std::filesystem::path& root);

/// What `du` would say: blocks and entries, each once. Throws Error{cancelled} or Error{deadline} when the call is over.
[[nodiscard]] VolumeUsage measure(const std::filesystem::path& tree);

}  // namespace davit::local
