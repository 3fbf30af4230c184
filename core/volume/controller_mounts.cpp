// Volumes in use: mounts, and the first content.
#include <filesystem>

#include "base/defer.hpp"
#include "base/failpoint.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "base/remove_tree.hpp"
#include "volume/controller_rights.hpp"

namespace davit::volume {
namespace {

// How long a mount waits for the unmount of the same id that somebody else has begun.
constexpr std::chrono::seconds kUnmountPatience{60};

bool isEmpty(const std::filesystem::path& directory) {
    return std::filesystem::directory_iterator(directory) == std::filesystem::directory_iterator();
}

void makeEmpty(const std::filesystem::path& directory) {
    for (const auto& entry : std::filesystem::directory_iterator(directory)) removeTree(entry.path());
}

}  // namespace

void VolumeController::release(const std::string& name, const std::string& user) {
    const Lock lock(mutex_);
    if (const auto found = entries_.find(name); found != entries_.end()) found->second.users.erase(user);
}

std::string VolumeController::mount(const MountRequest& request) {
    {
        const auto until = std::chrono::steady_clock::now() + kUnmountPatience;
        const Lock lock(mutex_);
        for (auto found = entries_.find(request.volume); found != entries_.end() && found->second.leaving.contains(request.id);
             found = entries_.find(request.volume))
            if (changed_.wait_until(mutex_, until) == std::cv_status::timeout)
                throw error(Code::deadline, "volume {}: its driver {} hasn't ended the last use yet", request.volume,
                            found->second.volume.driver);
    }
    Busy right(*this, request.volume, Busy::Missing::refuse);
    const Entry entry = right.snapshot();
    const std::shared_ptr<VolumeDriver> driver = driverOf(entry.volume);
    rows_.insertMount({request.id, request.volume, request.user});
    DAVIT_FAILPOINT("volume.mounting");
    std::string path = driver->mount(request.volume, request.id);
    DAVIT_FAILPOINT("volume.mounted");
    right.change([&](Entry& mounted) {
        mutex_.assertHeld();
        mounted.mounts.emplace(request.id, request.user);
        mounted.driver = driver;
        mounted_for_[request.user].insert(request.volume);
    });
    return path;
}

std::vector<VolumeController::Leaving> VolumeController::retire(const std::string& user) {
    std::vector<Leaving> leaving;
    {
        const Lock lock(mutex_);
        const auto names = mounted_for_.find(user);
        if (names == mounted_for_.end()) return leaving;
        for (const std::string& name : names->second) {
            const auto found = entries_.find(name);
            if (found == entries_.end()) continue;
            Entry& entry = found->second;
            for (const auto& [id, mounted_for] : entry.mounts)
                if (mounted_for == user && entry.leaving.insert(id).second)
                    leaving.push_back({{name, user, id}, entry.volume.driver, entry.volume.options.empty()});
        }
        mounted_for_.erase(names);
    }
    for (Leaving& one : leaving) one.quick = one.quick && drivers_.isOwn(one.driver);
    return leaving;
}

std::vector<VolumeController::Leaving> VolumeController::retireOthers(const std::set<std::string>& running) {
    std::vector<std::string> users;
    {
        const Lock lock(mutex_);
        for (const auto& [user, names] : mounted_for_)
            if (!running.contains(user)) users.push_back(user);
    }
    std::vector<Leaving> all;
    for (const std::string& user : users)
        for (Leaving& one : retire(user)) all.push_back(std::move(one));
    return all;
}

void VolumeController::end(Busy& right, VolumeDriver& driver, const std::string& id) {
    driver.unmount(right.name(), id);
    rows_.removeMount(id);
    right.change([&](Entry& entry) {
        entry.mounts.erase(id);
        if (entry.mounts.empty()) entry.driver.reset();
    });
}

void VolumeController::unmount(const Leaving& leaving) {
    const MountRequest& request = leaving.request;
    const Defer left([&] {
        {
            const Lock lock(mutex_);
            const auto found = entries_.find(request.volume);
            if (found != entries_.end()) found->second.leaving.erase(request.id);
        }
        changed_.notify_all();
    });
    Busy right(*this, request.volume, Busy::Missing::make);
    const Entry entry = right.snapshot();
    if (entry.mounts.contains(request.id)) end(right, *driverOf(entry.volume), request.id);
}

void VolumeController::endUses(Busy& right, VolumeDriver& driver) {
    for (const auto& [id, user] : right.snapshot().mounts) end(right, driver, id);
}

void VolumeController::fill(const MountRequest& request, const std::function<void(const std::string& path)>& copy) {
    const std::string path = mount(request);
    const Defer unmounted([&] {
        try {
            unmount({request, {}});
        } catch (const Error& failure) {
            log::warning("volume {}: unmount: {}", request.volume, failure.text());
        }
    });
    Busy right(*this, request.volume, Busy::Missing::refuse);
    if (right.snapshot().filling) makeEmpty(path);
    if (!isEmpty(path)) return;
    rows_.setFilling(request.volume, true);
    right.change([](Entry& entry) { entry.filling = true; });
    DAVIT_FAILPOINT("volume.filling");
    copy(path);
    rows_.setFilling(request.volume, false);
    right.change([](Entry& entry) { entry.filling = false; });
}

}  // namespace davit::volume
