#include "engine/volume_service.hpp"

#include <fcntl.h>

#include <algorithm>

#include "archive/pack.hpp"
#include "archive/unpack.hpp"
#include "base/check.hpp"
#include "base/defer.hpp"
#include "base/file.hpp"
#include "base/id.hpp"
#include "base/log.hpp"
#include "engine/announce.hpp"
#include "engine/core.hpp"

namespace davit::engine {
namespace {

bool isAnonymous(const volume::Volume& volume) { return volume.labels.contains(std::string(volume::kAnonymousLabel)); }

bool acceptsLabels(const Filters& filters, const volume::Labels& labels) {
    if (!filters.matchLabels("label", labels)) return false;
    return !filters.has("label!") || !filters.matchLabels("label!", labels);
}

}  // namespace

volume::VolumeList VolumeService::list(const Filters& filters) {
    filters.allowOnly({"dangling", "name", "driver", "label"});
    const bool by_use = filters.has("dangling");
    const bool dangling = filters.boolean("dangling", false);
    volume::VolumeList list = core_.parts.volumes.list();
    std::erase_if(list.volumes, [&](const volume::Volume& volume) {
        if (!filters.matchFuzzy("name", volume.name) || !filters.matchExact("driver", volume.driver)) return true;
        if (!filters.matchLabels("label", volume.labels)) return true;
        return by_use && core_.parts.volumes.usersOf(volume.name).empty() != dangling;
    });
    for (const std::string& warning : list.warnings) log::warning("volume ls: {}", warning);
    return list;
}

volume::Volume VolumeService::inspect(const std::string& name) { return core_.parts.volumes.inspect(name); }

volume::Volume VolumeService::create(const volume::VolumeRequest& request) {
    const volume::VolumeController::Created created = core_.parts.volumes.create(request);
    if (created.made) announce(core_.event_log, created.volume, "create");
    return created.volume;
}

void VolumeService::remove(const std::string& name, bool force) {
    try {
        announce(core_.event_log, core_.parts.volumes.remove(name, force), "destroy");
    } catch (const Error& failure) {
        if (!force || failure.code() != Code::not_found) throw;
    }
}

PrunedVolumes VolumeService::prune(const Filters& filters, bool all_by_default) {
    filters.allowOnly({"label", "label!", "all"});
    const bool all = filters.boolean("all", all_by_default);
    PrunedVolumes pruned;
    for (const volume::Volume& volume : core_.parts.volumes.list().volumes) {
        if (!core_.parts.volumes.isOwn(volume) || !core_.parts.volumes.usersOf(volume.name).empty()) continue;
        if ((!all && !isAnonymous(volume)) || !acceptsLabels(filters, volume.labels)) continue;
        try {
            const std::optional<VolumeUsage> used = core_.parts.volumes.usage(volume);
            announce(core_.event_log, core_.parts.volumes.remove(volume.name, false), "destroy");
            pruned.names.push_back(volume.name);
            if (used) pruned.space_reclaimed += std::max<std::int64_t>(0, used->size);
        } catch (const Error& failure) {  // as Docker: the others are pruned nevertheless
            log::warning("could not remove volume {}: {}", volume.name, failure.text());
        }
    }
    announcePrune(core_.event_log, EventType::volume, static_cast<std::uint64_t>(pruned.space_reclaimed));
    return pruned;
}

std::vector<VolumeUsageInfo> VolumeService::usage() {
    std::vector<VolumeUsageInfo> all;
    for (volume::Volume& volume : core_.parts.volumes.list().volumes) {
        VolumeUsageInfo info{.volume = std::move(volume)};
        info.references = static_cast<std::int64_t>(core_.parts.volumes.usersOf(info.volume.name).size());
        try {
            if (core_.parts.volumes.isOwn(info.volume))
                if (const std::optional<VolumeUsage> used = core_.parts.volumes.usage(info.volume)) info.size = used->size;
        } catch (const Error& failure) {  // one volume's trouble
            log::warning("volume {}: usage: {}", info.volume.name, failure.text());
        }
        all.push_back(std::move(info));
    }
    return all;
}

void VolumeService::snapshot(const std::string& name, const std::string& snapshot, const Options& options) {
    core_.parts.volumes.snapshot(name, snapshot, options);
    announce(core_.event_log, core_.parts.volumes.inspect(name), "snapshot", {{"snapshot", snapshot}});
}

std::vector<SnapshotInfo> VolumeService::snapshots(const std::string& name) { return core_.parts.volumes.snapshots(name); }

void VolumeService::removeSnapshot(const std::string& name, const std::string& snapshot) {
    core_.parts.volumes.removeSnapshot(name, snapshot);
    announce(core_.event_log, core_.parts.volumes.inspect(name), "snapshot_remove", {{"snapshot", snapshot}});
}

volume::Volume VolumeService::clone(const CloneVolume& request, const volume::Labels& labels) {
    volume::Volume volume = core_.parts.volumes.clone(request, labels);
    announce(core_.event_log, volume, "create", {{"source", request.source}});
    return volume;
}

void VolumeService::resize(const std::string& name, std::int64_t bytes) {
    core_.parts.volumes.resize(name, bytes);
    announce(core_.event_log, core_.parts.volumes.inspect(name), "resize", {{"size", std::to_string(bytes)}});
}

void VolumeService::withMounted(const volume::Volume& volume, const std::function<void(int root_fd)>& use) {
    const std::string user = randomId();
    core_.parts.volumes.use(volume.name, user);
    const Defer released([&] {
        for (const volume::VolumeController::Leaving& leaving : core_.parts.volumes.retire(user)) {
            try {
                core_.parts.volumes.unmount(leaving);
            } catch (const Error& failure) {
                log::warning("volume {}: unmount: {}", volume.name, failure.text());
            }
        }
        core_.parts.volumes.release(volume.name, user);
    });
    const std::string path = core_.parts.volumes.mount({volume.name, user, randomId()});
    use(openFile(path, O_RDONLY | O_DIRECTORY).get());
}

void VolumeService::exportVolume(const std::string& name, ByteSink& tar) {
    const volume::Volume volume = core_.parts.volumes.inspect(name);
    try {
        core_.parts.volumes.exportVolume(name, tar);
    } catch (const Error& failure) {
        if (failure.code() != Code::unimplemented) throw;
        withMounted(volume, [&](int root) { archive::packTree(root, tar); });
    }
}

void VolumeService::importVolume(const std::string& name, ByteSource& tar) {
    const volume::Volume volume = core_.parts.volumes.inspect(name);
    try {
        core_.parts.volumes.importVolume(name, tar);
    } catch (const Error& failure) {
        if (failure.code() != Code::unimplemented) throw;
        withMounted(volume, [&](int root) {
            (void)archive::unpackLayer(tar, root, {.whiteouts = archive::Whiteouts::plain});
        });
    }
    announce(core_.event_log, volume, "import");
}

volume::Volume VolumeService::rename(const std::string& name, const std::string& new_name) {
    volume::Volume volume = core_.parts.volumes.rename(name, new_name);
    announce(core_.event_log, volume, "rename", {{"oldName", name}});
    return volume;
}

}  // namespace davit::engine
