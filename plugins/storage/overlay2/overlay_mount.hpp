// Making overlay mounts: the options as data, and the mount itself with as many layers as the kernel takes. Any thread.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace davit::overlay2 {

/// One overlay. Names are relative to `home`, so that 125 layers fit into the page that mount(2) takes.
struct Overlay {
    std::filesystem::path home;
    std::vector<std::string> lowers;  ///< nearest first; at least one, at least two without an upper
    std::string upper;                ///< empty: read-only
    std::string work;
    std::vector<std::string> flags;  ///< "metacopy=off", "volatile", …
};

/// The options with absolute names, as MountSpec carries them.
[[nodiscard]] std::vector<std::string> absoluteOptions(const Overlay& overlay);

/// Mounts it on `target` (relative to home). Beyond a page of options (some 260 layers) by the new mount interface; on
/// kernels that can't add layers with it (before 6.8) that is Error{unimplemented}.
void mountOverlay(const Overlay& overlay, const std::string& target);

/// Unmounts what is mounted there, if anything, also when it is busy.
void unmount(const std::filesystem::path& target);

/// The mount points at or below a directory, deepest first, as this process sees them.
[[nodiscard]] std::vector<std::string> mountsBelow(const std::filesystem::path& directory);

}  // namespace davit::overlay2
