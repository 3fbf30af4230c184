// The mounts of a container: what its configuration and other containers say, and the volumes and images behind them.
//
//     create   wantedMounts()  ->  claimMounts(): volumes made or found, filled from the image, the container is their user
//     start    mountAll(): drivers mount, sources are known        end of the run   endMounts()
//     remove   releaseMounts(): no user any more; anonymous volumes go if that was asked for
//
// A container's row holds its mount points whole, so that a restart finds the same volumes. Threads: any; the caller holds the
// container's Operation, except for wantedMounts().
#pragma once

#include <string>
#include <vector>

#include "base/unique_fd.hpp"
#include "engine/core.hpp"
#include "image/layer_store.hpp"

namespace davit::engine {

/// What the configuration says, with the mounts of the containers in VolumesFrom; anonymous volumes have names. Refuses what can't
/// be mounted: a --mount whose source doesn't exist, an image or a container that isn't there.
[[nodiscard]] std::vector<runtime::MountPoint> wantedMounts(const EngineCore& core, const runtime::ContainerConfig& config,
                                                            const runtime::HostConfig& host);

/// Names of the volumes that nobody named.
[[nodiscard]] std::vector<std::string> anonymousVolumes(const std::vector<runtime::MountPoint>& mounts);

/// Makes or finds the volumes, copies into empty ones what the image has at their place, makes the layers of images that are
/// mounted. The container's own layer exists. What it did before it throws, cleanUpRemains() takes back.
void claimMounts(EngineCore& core, Container& container);
/// After a restart of the daemon. `ran`: its last run may have volumes mounted.
void restoreMounts(EngineCore& core, const Container& container, bool ran);

/// Makes the host directories that `-v` promises. Throws for a --mount source that is missing.
void prepareBinds(const std::vector<runtime::MountPoint>& mounts);

/// The mounts of one run.
struct RunMounts {
    std::vector<runtime::MountPoint> shown;  ///< with the volumes' places on the host
    std::vector<runtime::MountPoint> spec;   ///< with the sources that the runtime takes; valid while the rest of this lives
    std::vector<UniqueFd> held;
    std::vector<image::MountedLayer> layers;
};
/// Has the volumes mounted. When it throws, or the start fails later, endMounts() takes it back.
[[nodiscard]] RunMounts mountAll(EngineCore& core, const Container& container);
/// The run is over: its volumes are unmounted, in the background where that may take long. Cheap.
void endMounts(EngineCore& core, const std::string& container_id);
void unmountAll(EngineCore& core, const std::vector<volume::VolumeController::Leaving>& mounts);

/// The container is gone: it is no user of its volumes any more.
void releaseMounts(EngineCore& core, const Container& container);
/// Those of `names` that nobody uses are there for nobody any more; removeVolumes() is to follow. An intent of the container's names
/// them. Returns which they are.
[[nodiscard]] std::vector<volume::Volume> discardVolumes(EngineCore& core, const std::vector<std::string>& names);
/// Has the drivers remove them, those that others run in the background. What can't be removed is logged, and tried again at the
/// daemon's next start. Afterwards no other intent is needed.
void removeVolumes(EngineCore& core, const std::vector<volume::Volume>& volumes);

/// The layer of an image that the container has mounted there.
[[nodiscard]] std::string imageLayerId(const std::string& container_id, const std::string& destination);

}  // namespace davit::engine
