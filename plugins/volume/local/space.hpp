// Space: how the files of a volume of the driver's own are kept, bounded and counted: one class per means of the file system.
//
//     directory   a plain directory; no limits, usage by walking
//     project     a directory with a project of ext4 or xfs
//     subvolume   a subvolume of btrfs with a quota group
//     loop        an ext4 in a sparse file, for limits where nothing else gives any
//
// A *place* is a volume's directory, or one that is becoming it; its content is at place/_data. Any thread; who changes a place
// has it for himself.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>
#include <vector>

#include "driver/volume_driver.hpp"
#include "mounter.hpp"
#include "options.hpp"
#include "program.hpp"

namespace davit::local {

class Space {
  public:
    virtual ~Space() = default;
    /// For the volume's record.
    [[nodiscard]] virtual std::string_view name() const noexcept = 0;
    /// What bounds it, in words.
    [[nodiscard]] virtual std::string_view means() const noexcept = 0;

    /// Makes place/_data, empty, mode 0755.
    virtual void make(const std::filesystem::path& place, const Limits& limits) = 0;
    /// Makes place/_data with the content that is at `from`.
    virtual void makeCopy(const std::filesystem::path& from, const std::filesystem::path& place, const Limits& limits);
    /// Makes place/_data, as the content at `from` is now, for a snapshot: it needs no limit and no mount.
    virtual void makeSnapshot(const std::filesystem::path& from, const std::filesystem::path& place);
    /// Throws Error when these can't be. 0 lifts a limit.
    virtual void limit(const std::filesystem::path& place, const Limits& limits) = 0;
    /// From the file system's counters; std::nullopt: it has none of this place.
    [[nodiscard]] virtual std::optional<VolumeUsage> usage(const std::filesystem::path& place) = 0;

    /// Whether the content is only there between bring() and the end of the mount.
    [[nodiscard]] virtual bool needsMount() const noexcept { return false; }
    /// Mounts it at place/_data.
    virtual void bring(const std::filesystem::path& place);
};

/// All means, and which of them is the best one.
class Spaces {
  public:
    Spaces(const std::filesystem::path& root, Programs& programs, Mounter& mounter);

    /// The best means for these limits that works here. Throws Error{invalid} when there is none, saying why.
    [[nodiscard]] Space& choose(const Limits& limits);
    /// The one of a record; Error{system} for another version's.
    [[nodiscard]] Space& named(std::string_view name);

  private:
    std::filesystem::path root_;
    std::vector<std::unique_ptr<Space>> all_;
};

/// Deletes what the trash holds, with subvolumes and the limits of projects.
void disposeOf(const std::filesystem::path& path, const std::stop_token& stop);

[[nodiscard]] std::unique_ptr<Space> directorySpace();
[[nodiscard]] std::unique_ptr<Space> projectSpace(const std::filesystem::path& root);
[[nodiscard]] std::unique_ptr<Space> subvolumeSpace();
[[nodiscard]] std::unique_ptr<Space> loopSpace(Programs& programs, Mounter& mounter);

}  // namespace davit::local
