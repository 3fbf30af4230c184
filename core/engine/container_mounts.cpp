#include "engine/container_mounts.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "archive/copy_tree.hpp"
#include "base/check.hpp"
#include "base/file.hpp"
#include "base/id.hpp"
#include "base/in_root.hpp"
#include "base/log.hpp"
#include "engine/announce.hpp"
#include "oci/digest.hpp"

namespace davit::engine {
namespace {

using runtime::MountPoint;
using runtime::MountType;

/// An id for something of a container that is the same each time.
std::string derivedId(const std::string& container_id, std::string_view what, const std::string& where) {
    std::string text = container_id;
    text.append(1, '\0').append(what).append(1, '\0').append(where);
    return std::string(oci::digestHex(oci::sha256(text)));
}

volume::MountRequest mountRequest(const std::string& container_id, const MountPoint& mount) {
    return {mount.name, container_id, derivedId(container_id, "mount", mount.destination)};
}

void requireSource(const MountPoint& mount) {
    struct stat found {};
    if (::stat(mount.source.c_str(), &found) != 0)
        throw error(Code::invalid, "invalid mount config for type \"bind\": bind source path does not exist: {}",
                    mount.source);
}

std::vector<MountPoint> inherited(const EngineCore& core, const runtime::HostConfig& host) {
    std::vector<MountPoint> mounts;
    for (const std::string& text : host.volumes_from) {
        const runtime::VolumesFrom from = runtime::parseVolumesFrom(text);
        for (MountPoint mount : core.table.resolve(from.container)->snapshot().mounts) {
            if (mount.type != MountType::bind && mount.type != MountType::volume) continue;
            mount.rw = mount.rw && !from.read_only;
            mount.copy_data = mount.from_config = false;
            std::erase_if(mounts, [&](const MountPoint& other) { return other.destination == mount.destination; });
            mounts.push_back(std::move(mount));
        }
    }
    return mounts;
}

/// Copies what the container's root has at the volume's place. The root is mounted when the first volume needs it.
class Filler {
  public:
    Filler(EngineCore& core, const Container& container) : core_(core), container_(container) {}

    void fill(const MountPoint& mount) {
        volume::MountRequest request = mountRequest(container_.id, mount);
        request.id = derivedId(container_.id, "fill", mount.destination);
        core_.parts.volumes.fill(request, [&](const std::string& path) { copy(mount, path); });
    }

  private:
    void copy(const MountPoint& mount, const std::string& path) {
        if (!root_) {
            layer_.emplace_back(core_.parts.layers.mountWritable(container_.id));
            root_ = openFile(layer_.front().path(), O_PATH | O_DIRECTORY);
        }
        const UniqueFd content = tryOpenInRoot(root_.get(), mount.destination, O_RDONLY | O_DIRECTORY);
        if (!content) {
            if (errno == ENOENT || errno == ENOTDIR) return;
            throw Error::system("open " + mount.destination + " in the container's root", errno);
        }
        const UniqueFd target = openFile(path, O_RDONLY | O_DIRECTORY);
        archive::copyTree(content.get(), target.get());
    }

    EngineCore& core_;
    const Container& container_;
    std::vector<image::MountedLayer> layer_;
    UniqueFd root_;
};

void claimVolume(EngineCore& core, const std::string& container_id, MountPoint& mount) {
    volume::VolumeRequest request{
        .name = mount.name, .driver = mount.driver, .options = mount.driver_options, .labels = mount.labels};
    if (mount.anonymous) request.labels.emplace(volume::kAnonymousLabel, "");
    const volume::VolumeController::Created created = core.parts.volumes.create(request, container_id);
    if (created.made) announce(core.event_log, created.volume, "create");
    mount.driver = created.volume.driver;
    mount.source = created.volume.mountpoint;
    mount.driver_options.clear();
    mount.labels.clear();
    // As dockerd, which marks its own volumes as to be labelled for SELinux.
    if (mount.mode.empty() && !mount.from_config && core.parts.volumes.isOwn(created.volume)) mount.mode = "z";
}

void claimImage(EngineCore& core, const Container& container, MountPoint& mount) {
    const image::Image image = core.parts.images.resolve(mount.name);
    core.parts.layers.createWritable({.container_id = imageLayerId(container.id, mount.destination),
                                      .chain_id = image.chain_id,
                                      .mount_label = {},
                                      .storage_opt = {},
                                      .disposable = container.host_config->auto_remove});
    mount.image_id = image.id;
}

/// A descriptor as the source of a mount.
std::string sourceOf(const UniqueFd& fd) { return fmt::format("/proc/{}/fd/{}", ::getpid(), fd.get()); }

/// What is mounted of a tree: a place in it that nobody can lead outside of meanwhile.
std::string subpathSource(RunMounts& run, const std::string& tree, const MountPoint& mount) {
    const UniqueFd root = openFile(tree, O_PATH | O_DIRECTORY);
    UniqueFd place = tryOpenInRoot(root.get(), mount.subpath.empty() ? "." : mount.subpath, O_PATH);
    if (!place) {
        const char* what = mount.type == MountType::image ? "image" : "volume";
        throw error(Code::invalid, "cannot access path {} in {} {}: {}", mount.subpath, what, mount.name, std::strerror(errno));
    }
    run.held.push_back(std::move(place));
    return sourceOf(run.held.back());
}

void mountVolume(EngineCore& core, const Container& container, MountPoint& mount) {
    mount.source = core.parts.volumes.mount(mountRequest(container.id, mount));
    announceMount(core.event_log, container.id, mount);
}

}  // namespace

std::string imageLayerId(const std::string& container_id, const std::string& destination) {
    return derivedId(container_id, "image", destination);
}

std::vector<MountPoint> wantedMounts(const EngineCore& core, const runtime::ContainerConfig& config,
                                     const runtime::HostConfig& host) {
    std::vector<MountPoint> mounts = runtime::collectMounts(config, host, inherited(core, host));
    for (MountPoint& mount : mounts) {
        if (mount.type == MountType::bind && !mount.create_source) requireSource(mount);
        if (mount.type == MountType::image) (void)core.parts.images.resolve(mount.name);
        if (mount.type == MountType::volume && mount.name.empty()) mount.name = randomId();
        if (mount.type == MountType::volume) volume::checkName(mount.name);
    }
    return mounts;
}

std::vector<std::string> anonymousVolumes(const std::vector<MountPoint>& mounts) {
    std::vector<std::string> names;
    for (const MountPoint& mount : mounts)
        if (mount.type == MountType::volume && mount.anonymous) names.push_back(mount.name);
    return names;
}

void claimMounts(EngineCore& core, Container& container) {
    Filler filler(core, container);
    for (MountPoint& mount : container.mounts) {
        if (mount.type == MountType::image) claimImage(core, container, mount);
        if (mount.type != MountType::volume) continue;
        claimVolume(core, container.id, mount);
        if (mount.copy_data) filler.fill(mount);
    }
}

void restoreMounts(EngineCore& core, const Container& container, bool ran) {
    for (const MountPoint& mount : container.mounts) {
        if (mount.type != MountType::volume) continue;
        core.parts.volumes.use(mount.name, container.id);
        if (ran) core.parts.volumes.restoreMount(mountRequest(container.id, mount));
    }
}

void prepareBinds(const std::vector<MountPoint>& mounts) {
    for (const MountPoint& mount : mounts) {
        if (mount.type != MountType::bind) continue;
        struct stat found {};
        if (::stat(mount.source.c_str(), &found) == 0) continue;
        if (!mount.create_source) requireSource(mount);
        makeDirectories(mount.source, 0755);
    }
}

RunMounts mountAll(EngineCore& core, const Container& container) {
    prepareBinds(container.mounts);
    RunMounts run;
    run.shown = container.mounts;
    for (MountPoint& mount : run.shown)
        if (mount.type == MountType::volume) mountVolume(core, container, mount);
    run.spec = run.shown;
    for (MountPoint& mount : run.spec) {
        if (mount.type == MountType::volume && !mount.subpath.empty()) mount.source = subpathSource(run, mount.source, mount);
        if (mount.type != MountType::image) continue;
        run.layers.push_back(core.parts.layers.mountWritable(imageLayerId(container.id, mount.destination)));
        mount.source = subpathSource(run, run.layers.back().path(), mount);
    }
    return run;
}

void endMounts(EngineCore& core, const std::string& container_id) {
    const std::vector<volume::VolumeController::Leaving> mounts = core.parts.volumes.retire(container_id);
    for (const volume::VolumeController::Leaving& leaving : mounts)
        announceUnmount(core.event_log, leaving.request.volume, leaving.driver, container_id);
    unmountAll(core, mounts);
}

void unmountAll(EngineCore& core, const std::vector<volume::VolumeController::Leaving>& mounts) {
    for (const volume::VolumeController::Leaving& leaving : mounts) {
        const auto unmount = [&core, leaving] { core.parts.volumes.unmount(leaving); };
        if (!leaving.quick) {
            const bool own = core.parts.drivers.isOwn(DriverKind::volume, leaving.driver);
            core.volume_lanes.post(own ? leaving.request.volume : leaving.driver, "unmount volume " + leaving.request.volume, unmount);
            continue;
        }
        try {
            unmount();
        } catch (const Error& failure) {  // its driver's fault; the container's end goes on
            log::warning("volume {}: unmount: {}", leaving.request.volume, failure.text());
        }
    }
}

void releaseMounts(EngineCore& core, const Container& container) {
    for (const MountPoint& mount : container.mounts)
        if (mount.type == MountType::volume) core.parts.volumes.release(mount.name, container.id);
}

std::vector<volume::Volume> discardVolumes(EngineCore& core, const std::vector<std::string>& names) {
    std::vector<volume::Volume> discarded;
    for (const std::string& name : names) {
        std::optional<volume::Volume> volume = core.parts.volumes.discard(name);
        if (!volume) continue;  // another container's, too
        announce(core.event_log, *volume, "destroy");
        discarded.push_back(*std::move(volume));
    }
    return discarded;
}

void removeVolumes(EngineCore& core, const std::vector<volume::Volume>& volumes) {
    for (const volume::Volume& volume : volumes) {
        const std::string name = volume.name;
        if (!core.parts.volumes.isOwn(volume)) {
            core.parts.volumes.keepDiscarded(name);
            core.volume_lanes.post(volume.driver, "remove volume " + name, [&core, name] { core.parts.volumes.removeDiscarded(name); });
            continue;
        }
        try {
            core.parts.volumes.removeDiscarded(name);
        } catch (const Error& failure) {  // its driver's fault; the container's removal goes on
            log::error("volume {}: remove: {}", name, failure.text());
            core.parts.volumes.keepDiscarded(name);
        }
    }
}

}  // namespace davit::engine
