#include "volume/controller.hpp"

#include <algorithm>

#include "base/failpoint.hpp"
#include "base/log.hpp"
#include "volume/controller_rights.hpp"

namespace davit::volume {
namespace {

// What the driver says of a volume, over what we know.
void takeOver(Volume& volume, const VolumeInfo& info) {
    if (!info.mountpoint.empty()) volume.mountpoint = info.mountpoint;
    volume.created_at = info.created_at;
    volume.status_json = info.status_json;
}

Volume foreign(const Survey::Answer& answer, const VolumeInfo& info) {
    Volume volume;
    volume.name = info.name;
    volume.driver = answer.driver;
    volume.scope = answer.scope;
    takeOver(volume, info);
    return volume;
}

std::string idsText(const std::set<std::string>& ids) {
    std::string text;
    for (const std::string& id : ids) text += (text.empty() ? "" : ", ") + id;
    return text;
}

}  // namespace

state::Schema VolumeController::schema() { return VolumeRows::schema(); }

VolumeController::VolumeController(ControllerOptions options, state::Database& database, DriverSource& drivers)
    : options_(std::move(options)), drivers_(drivers), rows_(database), survey_(drivers) {}

VolumeController::~VolumeController() = default;

void VolumeController::use(const std::string& name, const std::string& user) {
    const Lock lock(mutex_);
    if (const auto found = entries_.find(name); found != entries_.end()) found->second.users.insert(user);
}

void VolumeController::restoreMount(const MountRequest& request) {
    const Lock lock(mutex_);
    const auto found = entries_.find(request.volume);
    if (found == entries_.end()) return;
    found->second.mounts.emplace(request.id, request.user);
    mounted_for_[request.user].insert(request.volume);
}

std::shared_ptr<VolumeDriver> VolumeController::driverFor(const std::string& name) {
    try {
        return drivers_.volume(name);
    } catch (const Error& failure) {
        if (failure.code() != Code::not_found && failure.code() != Code::conflict) throw;  // missing, or disabled
        throw Error(failure.code(), fmt::format("error looking up volume plugin {}: {}", name, failure.text()));
    }
}

std::shared_ptr<VolumeDriver> VolumeController::driverOf(const Volume& volume) {
    {
        const Lock lock(mutex_);
        if (const auto found = entries_.find(volume.name); found != entries_.end() && found->second.driver)
            return found->second.driver;
    }
    return driverFor(volume.driver);
}

std::optional<Volume> VolumeController::known(const std::string& name) const {
    const Lock lock(mutex_);
    const auto found = entries_.find(name);
    if (found == entries_.end() || !found->second.usable()) return std::nullopt;
    return found->second.volume;
}

std::optional<Volume> VolumeController::ofOthers(const std::string& name) {
    for (const Survey::Answer& answer : survey_.ask())
        for (const VolumeInfo& info : answer.volumes)
            if (info.name == name) return foreign(answer, info);
    return std::nullopt;
}

Volume VolumeController::find(const std::string& name) {
    std::optional<Volume> found = known(name);
    if (!found) found = ofOthers(name);
    if (!found) throw error(Code::not_found, "get {}: no such volume", name);
    return *std::move(found);
}

VolumeList VolumeController::list() {
    std::map<std::string, Survey::Answer> answers;
    for (Survey::Answer& answer : survey_.ask()) answers.emplace(answer.driver, std::move(answer));
    std::map<std::string, Volume> found;
    VolumeList result;
    for (const auto& [driver, answer] : answers) {
        if (!answer.failure.empty()) result.warnings.push_back(answer.failure);
        for (const VolumeInfo& info : answer.volumes) found.emplace(info.name, foreign(answer, info));
    }
    {
        const Lock lock(mutex_);
        for (const auto& [name, entry] : entries_) {
            if (!entry.usable()) continue;
            const auto answer = answers.find(entry.volume.driver);
            const bool driver_spoke = answer != answers.end() && answer->second.failure.empty();
            const auto said = found.find(name);
            if (driver_spoke && (said == found.end() || said->second.driver != entry.volume.driver)) continue;  // gone there
            Volume volume = entry.volume;
            if (said != found.end() && said->second.driver == volume.driver) {
                volume.mountpoint = said->second.mountpoint;
                volume.created_at = said->second.created_at;
            }
            found.insert_or_assign(name, std::move(volume));
        }
    }
    result.volumes.reserve(found.size());
    for (auto& [name, volume] : found) result.volumes.push_back(std::move(volume));
    return result;
}

Volume VolumeController::inspect(const std::string& name) {
    Volume volume = find(name);
    const std::optional<VolumeInfo> info = driverOf(volume)->get(name);
    if (!info) throw error(Code::not_found, "get {}: no such volume", name);
    takeOver(volume, *info);
    return volume;
}

Volume VolumeController::remove(const std::string& name, bool force) {
    if (!known(name)) {
        // One of the others' that has never been used here: nobody can be using it.
        const std::optional<Volume> theirs = ofOthers(name);
        if (!theirs) throw error(Code::not_found, "get {}: no such volume", name);
        driverFor(theirs->driver)->remove(name);
        return *theirs;
    }
    Busy right(*this, name, Busy::Missing::refuse);
    const Entry entry = right.snapshot();
    if (!entry.users.empty())
        throw error(Code::conflict, "remove {}: volume is in use - [{}]", name, idsText(entry.users));
    rows_.setState(name, VolumeState::removing);
    DAVIT_FAILPOINT("volume.removing");
    try {
        const std::shared_ptr<VolumeDriver> driver = driverOf(entry.volume);
        endUses(right, *driver);
        driver->remove(name);
    } catch (const Error& failure) {
        if (!force) {
            rows_.setState(name, VolumeState::ready);
            throw Error(failure.code() == Code::not_found ? Code::system : failure.code(),
                        fmt::format("remove {}: {}", name, failure.text()), failure.sysErrno());
        }
        log::warning("volume {}: removed by force: {}", name, failure.text());
    }
    DAVIT_FAILPOINT("volume.driver_removed");
    rows_.remove(name, state::Durability::synced);
    right.forget();
    return entry.volume;
}

std::optional<Volume> VolumeController::discard(const std::string& name) {
    const Lock lock(mutex_);
    const auto found = entries_.find(name);
    if (found == entries_.end() || !found->second.usable() || !found->second.users.empty()) return std::nullopt;
    found->second.discarded = true;
    return found->second.volume;
}

void VolumeController::keepDiscarded(const std::string& name) { rows_.setState(name, VolumeState::removing); }

void VolumeController::removeDiscarded(const std::string& name) {
    Busy right(*this, name, Busy::Missing::make);
    finishOne(right);
}

std::set<std::string> VolumeController::usersOf(const std::string& name) const {
    const Lock lock(mutex_);
    const auto found = entries_.find(name);
    return found == entries_.end() ? std::set<std::string>() : found->second.users;
}

bool VolumeController::hasVolumes(const std::string& driver) const {
    const Lock lock(mutex_);
    return std::any_of(entries_.begin(), entries_.end(), [&](const auto& entry) { return entry.second.volume.driver == driver; });
}

bool VolumeController::isOwn(const Volume& volume) { return drivers_.isOwn(volume.driver); }

}  // namespace davit::volume
