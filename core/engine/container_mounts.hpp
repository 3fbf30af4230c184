// The mounts of a container: what its configuration says, with the sources that only the engine knows.
//
// Named volumes come with a volume driver. An anonymous volume (an image's VOLUME, or -v /x) is a directory of the container's
// own, below <data-root>/containers/<id>/volumes/, filled from the image when the container is created and removed with it.
#pragma once

#include <filesystem>
#include <vector>

#include "engine/container.hpp"

namespace davit::engine {

/// collectMounts() with the anonymous volumes' directories filled in. Pure.
[[nodiscard]] std::vector<runtime::MountPoint> containerMounts(const runtime::ContainerConfig& config,
                                                               const runtime::HostConfig& host,
                                                               const std::filesystem::path& container_dir);

/// Refuses what can't be mounted: named volumes without their driver, a --mount whose source doesn't exist.
void checkMounts(const std::vector<runtime::MountPoint>& mounts);

/// Makes the host directories that `-v` promises. Throws as checkMounts() for a --mount source that is missing.
void prepareBinds(const std::vector<runtime::MountPoint>& mounts);

/// Makes the anonymous volumes and copies what the image has at their place. `root`: the container's root, mounted.
void fillVolumes(const std::vector<runtime::MountPoint>& mounts, const std::filesystem::path& root);
[[nodiscard]] bool hasVolumes(const std::vector<runtime::MountPoint>& mounts);

}  // namespace davit::engine
