// What volumes can do beyond Docker, where their drivers can.
#include <algorithm>

#include "base/failpoint.hpp"
#include "volume/controller_rights.hpp"

namespace davit::volume {

std::shared_ptr<VolumeDriver> VolumeController::able(const Volume& volume, bool VolumeCapabilities::*ability, const char* what) {
    std::shared_ptr<VolumeDriver> driver = driverOf(volume);
    if (!(driver->capabilities().*ability))
        throw error(Code::unimplemented, "volume {}: its driver {} doesn't {}", volume.name, volume.driver, what);
    return driver;
}

void VolumeController::refuseExisting(const std::string& name) {
    checkName(name);
    if (known(name) || ofOthers(name)) throw error(Code::conflict, "create {0}: there is a volume {0}: volume name must be unique", name);
}

void VolumeController::snapshot(const std::string& name, const std::string& snapshot, const Options& options) {
    able(find(name), &VolumeCapabilities::snapshot, "make snapshots")->snapshot(name, snapshot, options);
}

std::vector<SnapshotInfo> VolumeController::snapshots(const std::string& name) {
    return able(find(name), &VolumeCapabilities::snapshot, "make snapshots")->listSnapshots(name);
}

void VolumeController::removeSnapshot(const std::string& name, const std::string& snapshot) {
    able(find(name), &VolumeCapabilities::snapshot, "make snapshots")->removeSnapshot(name, snapshot);
}

Volume VolumeController::clone(const CloneVolume& request, const Labels& labels) {
    const Volume source = find(request.source);
    const std::shared_ptr<VolumeDriver> driver = able(source, &VolumeCapabilities::clone, "make clones");
    refuseExisting(request.name);
    Busy right(*this, request.name, Busy::Missing::make);
    finishOne(right);
    if (right.snapshot().state == VolumeState::ready) refuseExisting(request.name);  // somebody was faster
    Volume volume = source;
    volume.name = request.name;
    volume.labels = labels;
    rows_.intendCreate(volume);
    right.change([&](Entry& entry) { entry.volume = volume; });
    DAVIT_FAILPOINT("volume.creating");
    try {
        driver->clone(request);
    } catch (const Error& failure) {
        if (failure.code() != Code::deadline && failure.code() != Code::unavailable) {
            rows_.remove(volume.name, state::Durability::relaxed);
            right.forget();
        }
        throw;
    }
    DAVIT_FAILPOINT("volume.driver_created");
    if (const std::optional<VolumeInfo> info = driver->get(volume.name)) {
        volume.mountpoint = info->mountpoint;
        volume.created_at = info->created_at;
    }
    adopt(right, volume);
    return volume;
}

void VolumeController::resize(const std::string& name, std::int64_t bytes) {
    const Volume volume = find(name);
    able(volume, &VolumeCapabilities::resize, "change the size of volumes")->resize(name, bytes);
}

void VolumeController::exportVolume(const std::string& name, ByteSink& tar) {
    able(find(name), &VolumeCapabilities::transfer, "export volumes")->exportVolume(name, tar);
}

void VolumeController::importVolume(const std::string& name, ByteSource& tar) {
    able(find(name), &VolumeCapabilities::transfer, "import into volumes")->importVolume(name, tar);
}

Volume VolumeController::rename(const std::string& name, const std::string& new_name) {
    const Volume before = find(name);
    const std::shared_ptr<VolumeDriver> driver = able(before, &VolumeCapabilities::rename, "rename volumes");
    refuseExisting(new_name);
    // In the order of the names, so that two renames never wait for each other.
    std::optional<Busy> first, second;
    first.emplace(*this, std::min(name, new_name), Busy::Missing::make);
    second.emplace(*this, std::max(name, new_name), Busy::Missing::make);
    Busy& from = name < new_name ? *first : *second;
    Busy& to = name < new_name ? *second : *first;
    const Entry entry = from.snapshot();
    if (!entry.users.empty() || !entry.mounts.empty())
        throw error(Code::conflict, "rename {}: volume is in use - {}", name, entry.users.empty() ? "" : *entry.users.begin());
    if (to.snapshot().state == VolumeState::ready) refuseExisting(new_name);
    Volume after = before;
    after.name = new_name;
    rows_.intendRename(name, after);
    DAVIT_FAILPOINT("volume.renaming");
    try {
        driver->rename(name, new_name);
    } catch (const Error& failure) {
        if (failure.code() == Code::deadline || failure.code() == Code::unavailable) {
            to.change([&](Entry& unknown) {
                unknown.volume = after;
                unknown.state = VolumeState::renaming;
                unknown.origin = name;
            });
        } else {
            rows_.remove(new_name, state::Durability::relaxed);
        }
        throw;
    }
    DAVIT_FAILPOINT("volume.driver_renamed");
    if (const std::optional<VolumeInfo> info = driver->get(new_name)) after.mountpoint = info->mountpoint;
    rows_.rename(name, after);
    from.forget();
    to.change([&](Entry& renamed) {
        renamed.volume = after;
        renamed.state = VolumeState::ready;
    });
    return after;
}

std::optional<VolumeUsage> VolumeController::usage(const Volume& volume) {
    const std::shared_ptr<VolumeDriver> driver = driverOf(volume);
    if (!driver->capabilities().usage) return std::nullopt;
    return driver->usage(volume.name);
}

}  // namespace davit::volume
