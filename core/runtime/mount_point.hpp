// MountPoint: one mount of a container as `docker inspect` shows it in "Mounts", made from HostConfig's Binds, Mounts
// and Tmpfs. Parsing only; nothing is looked up on the host. Texts are Docker's.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/container_config.hpp"

namespace davit::runtime {

enum class MountType { bind, volume, tmpfs, image };

struct MountPoint {
    MountType type = MountType::bind;
    std::string name;         ///< of the volume, empty for an anonymous one that has none yet; of the image
    std::string source;       ///< absolute host path; for volumes set by the caller after mounting
    std::string destination;  ///< absolute and clean
    std::string driver;       ///< of the volume; empty: whatever it has, or the default
    StringMap driver_options;  ///< of a volume that has to be made
    StringMap labels;          ///< likewise
    bool anonymous = false;    ///< a volume that nobody named
    std::string mode;         ///< the options as given, e.g. "ro,rshared"
    bool rw = true;
    std::string propagation;  ///< "", "rprivate", "rslave", …
    bool recursive = true;    ///< bind: with the mounts below it
    bool read_only_recursive =
        true;  ///< ro reaches the mounts below; false for API < 1.44 and "bind-nonrecursive"-like options
    bool force_recursive_ro = false;  ///< fail rather than leave a mount below writable
    bool create_source = false;       ///< `-v`: a missing host directory is created; `--mount`: it is an error
    bool copy_data = true;            ///< volume: filled from the image when empty
    std::string image_id;  ///< of a mounted image, "sha256:…"; set by the caller
    std::string subpath;  ///< of a volume or an image: what of it is mounted
    std::string tmpfs_options;  ///< mount options, e.g. "size=64m,mode=1777"
    bool from_config = false;   ///< anonymous volume of Config.Volumes
};

/// "source:target[:options]". Throws Error{invalid} with Docker's text.
[[nodiscard]] MountPoint parseBind(std::string_view text, const std::string& volume_driver = {});
[[nodiscard]] MountPoint parseMount(const Mount& mount);

/// All of the configuration in the order of precedence that Docker has: what is inherited from other containers where nothing
/// else is, Mounts and Binds, then Config.Volumes that no other covers, then Tmpfs. Duplicate targets are Error{invalid}
/// "Duplicate mount point: /x".
[[nodiscard]] std::vector<MountPoint> collectMounts(const ContainerConfig& config, const HostConfig& host,
                                                    std::vector<MountPoint> inherited = {});

/// One --volumes-from: "container[:mode]".
struct VolumesFrom {
    std::string container;
    bool read_only = false;
};
/// Throws Error{invalid} with Docker's text.
[[nodiscard]] VolumesFrom parseVolumesFrom(const std::string& text);

/// `path` without ".", "..", and double slashes; absolute.
[[nodiscard]] std::string cleanPath(std::string_view path);

}  // namespace davit::runtime
