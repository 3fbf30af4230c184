// Making volumes.
#include "base/failpoint.hpp"
#include "base/id.hpp"
#include "volume/controller_rights.hpp"

namespace davit::volume {
namespace {

[[noreturn]] void refuseDriver(const Volume& volume) {
    throw error(Code::conflict, "create {0}: driver '{1}' already has volume '{0}': volume name must be unique", volume.name, volume.driver);
}

// The driver's own text, framed as Docker does it; what it has framed already stays.
[[noreturn]] void createFailed(const std::string& name, const Error& failure) {
    const std::string frame = "create " + name + ": ";
    throw Error(failure.code(), failure.text().starts_with(frame) ? failure.text() : frame + failure.text(), failure.sysErrno());
}

Volume described(const VolumeRequest& request, const std::string& driver) {
    Volume volume;
    volume.name = request.name;
    volume.driver = driver;
    volume.options = request.options;
    volume.labels = request.labels;
    return volume;
}

void complete(Volume& volume, VolumeDriver& driver, const VolumeInfo& info) {
    volume.mountpoint = info.mountpoint;
    volume.created_at = info.created_at;
    volume.scope = driver.capabilities().scope;
}

}  // namespace

// Whether the volume that the entry tells of is there. One that its driver has lost, a server without a memory perhaps, is made again
// as it was: an empty one of another driver in its place would be the worse surprise.
bool VolumeController::confirm(Busy& right, VolumeRequest& request) {
    const Entry entry = right.snapshot();
    if (entry.state != VolumeState::ready) return false;
    const bool other = !request.driver.empty() && request.driver != entry.volume.driver;
    if (drivers_.isOwn(entry.volume.driver)) {
        if (other) refuseDriver(entry.volume);
        return true;
    }
    const bool there = driverOf(entry.volume)->get(entry.volume.name).has_value();
    if (there && other) refuseDriver(entry.volume);
    if (there) return true;
    if (other && !entry.users.empty()) refuseDriver(entry.volume);
    if (other) return false;
    request.driver = entry.volume.driver;
    if (request.options.empty()) request.options = entry.volume.options;
    if (request.labels.empty()) request.labels = entry.volume.labels;
    return false;
}

void VolumeController::make(Busy& right, const VolumeRequest& request) {
    if (request.driver.empty()) {
        if (std::optional<Volume> theirs = ofOthers(request.name)) {
            theirs->labels = request.labels;
            return adopt(right, *std::move(theirs));
        }
    }
    Volume volume = described(request, request.driver.empty() ? options_.default_driver : request.driver);
    const std::shared_ptr<VolumeDriver> driver = driverFor(volume.driver);
    if (const std::optional<VolumeInfo> theirs = driver->get(volume.name)) {
        complete(volume, *driver, *theirs);
        return adopt(right, std::move(volume));
    }
    rows_.intendCreate(volume);
    DAVIT_FAILPOINT("volume.creating");
    right.change([&](Entry& entry) {
        entry.volume = volume;
        entry.state = VolumeState::creating;
    });
    try {
        driver->create(volume.name, volume.options);
        DAVIT_FAILPOINT("volume.driver_created");
        const std::optional<VolumeInfo> info = driver->get(volume.name);
        if (!info) throw error(Code::system, "driver {} doesn't know the volume that it has just made", volume.driver);
        complete(volume, *driver, *info);
    } catch (const Error& failure) {
        // Whether it was made is unknown when the answer was lost; drivers take a remove of what isn't there.
        const bool unknown = failure.code() == Code::deadline || failure.code() == Code::unavailable;
        if (!unknown) {
            rows_.remove(volume.name, state::Durability::relaxed);
            right.forget();
        }
        throw;
    }
    adopt(right, std::move(volume));
}

void VolumeController::adopt(Busy& right, Volume volume) {
    rows_.save(volume);
    DAVIT_FAILPOINT("volume.created_commit");
    drivers_.expect(volume.driver);
    right.change([&](Entry& entry) {
        entry.volume = std::move(volume);
        entry.state = VolumeState::ready;
        entry.filling = false;
    });
}

VolumeController::Created VolumeController::create(const VolumeRequest& given, const std::string& user) {
    VolumeRequest request = given;
    if (request.name.empty()) {
        request.name = randomId();
        request.labels.emplace(kAnonymousLabel, "");
    }
    checkName(request.name);
    if (!request.driver.empty()) request.driver = drivers_.canonical(request.driver);
    Busy right(*this, request.name, Busy::Missing::make);
    Created result;
    try {
        finishOne(right);
        if (!confirm(right, request)) {
            make(right, request);
            result.made = true;
        }
    } catch (const Error& failure) {
        createFailed(request.name, failure);
    }
    right.change([&](Entry& entry) {
        if (!user.empty()) entry.users.insert(user);
        result.volume = entry.volume;
    });
    return result;
}

}  // namespace davit::volume
