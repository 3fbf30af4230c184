// The daemon's start: rows, and what was half done.
#include <algorithm>

#include "base/log.hpp"
#include "volume/controller_rights.hpp"

namespace davit::volume {

void VolumeController::restore(bool rows_may_be_lost) {
    std::vector<VolumeRow> rows = rows_.load();
    {
        const Lock lock(mutex_);
        for (VolumeRow& row : rows) {
            if (!row.damage.empty()) log::error("volume {}: its record is damaged: {}", row.volume.name, row.damage);
            Entry entry;
            entry.volume = std::move(row.volume);
            // Whatever else of it can't be read: its name and driver are enough to use and to remove it.
            entry.state = row.damage.empty() ? row.state : VolumeState::ready;
            entry.filling = row.filling;
            entry.origin = std::move(row.origin);
            drivers_.expect(entry.volume.driver);
            std::string name = entry.volume.name;
            entries_.emplace(std::move(name), std::move(entry));
        }
    }
    for (const MountRow& row : rows_.mounts()) restoreMount({row.volume, row.user, row.id});
    finishAll(true);
    if (rows_may_be_lost) salvage();
}

void VolumeController::finish() { finishAll(false); }

bool VolumeController::hasUnfinished() const {
    const Lock lock(mutex_);
    return std::any_of(entries_.begin(), entries_.end(), [](const auto& entry) { return entry.second.state != VolumeState::ready; });
}

void VolumeController::finishAll(bool own) {
    std::vector<std::pair<std::string, std::string>> unfinished;
    {
        const Lock lock(mutex_);
        for (const auto& [name, entry] : entries_)
            if (entry.state != VolumeState::ready && !entry.busy) unfinished.emplace_back(name, entry.volume.driver);
    }
    for (const auto& [name, driver] : unfinished) {
        if (drivers_.isOwn(driver) != own) continue;
        try {
            Busy right(*this, name, Busy::Missing::make);
            log::info("volume {}: finishing what was half done with it", name);
            finishOne(right);
        } catch (const std::exception& failure) {
            log::error("volume {}: what was half done stays so: {}", name, failure.what());
        }
    }
}

// A create or a removal that the last daemon, or a driver that didn't answer, left half done: the volume goes.
void VolumeController::finishOne(Busy& right) {
    const Entry entry = right.snapshot();
    if (entry.usable() || entry.volume.name.empty()) return;
    const std::shared_ptr<VolumeDriver> driver = driverOf(entry.volume);
    if (entry.state == VolumeState::renaming) return finishRename(right, *driver);
    endUses(right, *driver);
    driver->remove(entry.volume.name);
    rows_.remove(entry.volume.name, state::Durability::relaxed);
    right.forget();
}

void VolumeController::finishRename(Busy& right, VolumeDriver& driver) {
    const Entry entry = right.snapshot();
    if (!driver.get(entry.volume.name)) {
        rows_.remove(entry.volume.name, state::Durability::relaxed);
        return right.forget();
    }
    rows_.rename(entry.origin, entry.volume);
    {
        const Lock lock(mutex_);
        entries_.erase(entry.origin);
    }
    right.change([](Entry& renamed) { renamed.state = VolumeState::ready; });
}

void VolumeController::salvage() {
    for (const std::string& name : drivers_.own()) {
        try {
            const std::shared_ptr<VolumeDriver> driver = driverFor(name);
            for (const VolumeInfo& info : driver->list()) {
                Busy right(*this, info.name, Busy::Missing::make);
                if (!right.snapshot().volume.name.empty()) continue;
                log::warning("volume {}: taking it up from its driver {}: it had no record", info.name, name);
                Volume volume;
                volume.name = info.name;
                volume.driver = name;
                volume.mountpoint = info.mountpoint;
                volume.created_at = info.created_at;
                adopt(right, std::move(volume));
            }
        } catch (const std::exception& failure) {
            log::error("volumes of the driver {}: {}", name, failure.what());
        }
    }
}

}  // namespace davit::volume
