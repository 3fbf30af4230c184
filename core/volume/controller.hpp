// VolumeController: named volumes and who uses them. It asks drivers for volumes, and keeps rows of those that it asked for.
//
// What happens in which order is what makes a kill -9 harmless:
//
//     create   row "creating"  ->  driver  ->  row "ready" (synced)  ->  memory  ->  reply
//     remove   row "removing"  ->  driver  ->  row removed (synced)  ->  memory  ->  reply
//     mount    row of the mount  ->  driver, with an id that follows from container and place
//     unmount  driver  ->  row removed; what is left at the next start, of containers that don't run, is unmounted then
//
// A volume that others made (a plugin server has more than we asked it for) is known by asking the servers, see survey.hpp; it gets
// a row when it is first used here. Users are containers, running or not: while there are some, the volume isn't removed. They
// aren't written down here, the containers' rows say who they are: the engine tells of them at its start with use().
//
// While a volume is mounted its driver object is kept: of a plugin that was upgraded, the old one serves what it holds.
//
// Threads: any; no lock is held while a driver is called, and what one volume's driver is doing doesn't delay another volume.
// Drivers and database outlive it.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/byte_stream.hpp"
#include "base/thread_annotations.hpp"
#include "volume/driver_source.hpp"
#include "volume/survey.hpp"
#include "volume/volume.hpp"
#include "volume/volume_rows.hpp"

namespace davit::volume {

struct ControllerOptions {
    std::string default_driver;  ///< of volumes that name none
};

/// One place of a container where a volume is mounted.
struct MountRequest {
    std::string volume;
    std::string user;  ///< the container's id
    std::string id;    ///< 64 hex digits, the same each time for the same place of the same container
};

struct VolumeList {
    std::vector<Volume> volumes;  ///< by name
    std::vector<std::string> warnings;
};

class VolumeController {
  public:
    /// The tables it keeps; part of DatabaseOptions::schemas.
    [[nodiscard]] static state::Schema schema();

    VolumeController(ControllerOptions options, state::Database& database, DriverSource& drivers);
    VolumeController(const VolumeController&) = delete;
    VolumeController& operator=(const VolumeController&) = delete;
    ~VolumeController();

    // --- the daemon's start ---
    /// Reads the rows, and finishes what was half done with this daemon's own drivers. `salvage`: rows may have been lost, so what
    /// those drivers have beyond them is taken up.
    void restore(bool salvage);
    /// Finishes what was half done with others' drivers. May wait for them; what fails is logged and tried again at the next start,
    /// or when a volume of that name is made.
    void finish();
    [[nodiscard]] bool hasUnfinished() const;
    /// The container has the volume. Unknown ones are none of anybody's: nothing happens.
    void use(const std::string& name, const std::string& user);
    /// The container runs and has it mounted.
    void restoreMount(const MountRequest& request);
    /// Mounts of whoever isn't among `running`: each is to be given to unmount().
    struct Leaving;
    [[nodiscard]] std::vector<Leaving> retireOthers(const std::set<std::string>& running);

    // --- volumes ---
    struct Created {
        Volume volume;
        bool made = false;  ///< false: it was there, or another has made it
    };
    /// The volume of that name, made if there is none. With a `user` it is that one's from now on. Throws Error{conflict} when
    /// another driver has one of that name, {not_found} "error looking up volume plugin …", and what the driver says.
    Created create(const VolumeRequest& request, const std::string& user = {});
    /// All of ours, and of the others' what they answer in time. A driver that doesn't is a warning, and what we know of it is listed.
    [[nodiscard]] VolumeList list();
    /// With what its driver says of it now. Throws Error{not_found} "get x: no such volume".
    [[nodiscard]] Volume inspect(const std::string& name);
    /// Throws Error{conflict} "remove x: volume is in use - [ids]", {not_found} "get x: no such volume". `force`: what the driver
    /// says doesn't matter.
    Volume remove(const std::string& name, bool force);
    /// If nobody uses it, it is gone for everybody but its driver and its row, which removeDiscarded() asks and removes: whoever calls
    /// this has an intent of its own that says so. std::nullopt: it has users, or there is none.
    [[nodiscard]] std::optional<Volume> discard(const std::string& name);
    /// From now on the row says it, too; removeDiscarded() can wait, even for the next daemon.
    void keepDiscarded(const std::string& name);
    void removeDiscarded(const std::string& name);
    [[nodiscard]] std::set<std::string> usersOf(const std::string& name) const;
    /// Whether there is a volume of that driver.
    [[nodiscard]] bool hasVolumes(const std::string& driver) const;
    /// Whether the volume's driver belongs to this daemon.
    [[nodiscard]] bool isOwn(const Volume& volume);

    // --- use ---
    void release(const std::string& name, const std::string& user);
    /// Mounts it and returns where. The same request again is the same mount. Waits for an unmount of the same id under way.
    std::string mount(const MountRequest& request);
    /// The mounts of a user, which are over from now on; each is to be given to unmount(), where waiting hurts nobody.
    struct Leaving {
        MountRequest request;
        std::string driver;
        bool quick = false;  ///< a directory of this daemon's own: unmounting it can't block
    };
    [[nodiscard]] std::vector<Leaving> retire(const std::string& user);
    /// Throws what the driver says; the next start of the daemon tries again then.
    void unmount(const Leaving& leaving);
    /// Calls `copy` with the mounted volume if it is empty, or if an earlier copy into it was cut short. `copy` may be cut short.
    void fill(const MountRequest& request, const std::function<void(const std::string& path)>& copy);

    // --- beyond Docker; each throws Error{unimplemented} when the volume's driver doesn't announce it ---
    void snapshot(const std::string& name, const std::string& snapshot, const Options& options);
    [[nodiscard]] std::vector<SnapshotInfo> snapshots(const std::string& name);
    void removeSnapshot(const std::string& name, const std::string& snapshot);
    /// Throws Error{conflict} when there is a volume of the new name.
    Volume clone(const CloneVolume& request, const Labels& labels);
    void resize(const std::string& name, std::int64_t bytes);
    void exportVolume(const std::string& name, ByteSink& tar);
    void importVolume(const std::string& name, ByteSource& tar);
    /// Throws Error{conflict} while it has users or when there is a volume of the new name.
    Volume rename(const std::string& name, const std::string& new_name);
    /// std::nullopt: its driver can't say.
    [[nodiscard]] std::optional<VolumeUsage> usage(const Volume& volume);

  private:
    struct Entry {
        Volume volume;
        VolumeState state = VolumeState::creating;
        bool busy = false;  ///< somebody holds the right to change it
        bool discarded = false;  ///< it is there for nobody any more, see discard()
        bool filling = false;
        std::string origin;  ///< while it is renaming: the name so far
        std::set<std::string> users;
        std::map<std::string, std::string> mounts;  ///< id -> user
        std::set<std::string> leaving;              ///< ids whose unmount is under way
        std::shared_ptr<VolumeDriver> driver;       ///< while it is mounted

        [[nodiscard]] bool usable() const noexcept { return state == VolumeState::ready && !discarded; }
    };
    class Busy;  // controller_rights.hpp

    [[nodiscard]] std::shared_ptr<VolumeDriver> driverFor(const std::string& name);
    [[nodiscard]] std::shared_ptr<VolumeDriver> driverOf(const Volume& volume) DAVIT_EXCLUDES(mutex_);
    [[nodiscard]] std::optional<Volume> known(const std::string& name) const DAVIT_EXCLUDES(mutex_);
    /// Ours, or else one of the others'. Throws Error{not_found}.
    [[nodiscard]] Volume find(const std::string& name);
    [[nodiscard]] std::optional<Volume> ofOthers(const std::string& name);

    /// Asks the driver to end one mount; it is over when that doesn't throw.
    void end(Busy& right, VolumeDriver& driver, const std::string& id);
    /// Unmounts what those have mounted that don't use it any more.
    void endUses(Busy& right, VolumeDriver& driver);

    // controller_create.cpp
    [[nodiscard]] bool confirm(Busy& right, VolumeRequest& request);
    void make(Busy& right, const VolumeRequest& request);
    void adopt(Busy& right, Volume volume);
    void finishOne(Busy& right);
    void finishRename(Busy& right, VolumeDriver& driver);
    void finishAll(bool own);
    void salvage();

    // controller_abilities.cpp
    [[nodiscard]] std::shared_ptr<VolumeDriver> able(const Volume& volume, bool VolumeCapabilities::*ability, const char* what);
    void refuseExisting(const std::string& name);

    const ControllerOptions options_;
    DriverSource& drivers_;
    VolumeRows rows_;
    mutable Mutex mutex_;
    Condition changed_;
    std::map<std::string, Entry, std::less<>> entries_ DAVIT_GUARDED_BY(mutex_);
    std::map<std::string, std::set<std::string>> mounted_for_ DAVIT_GUARDED_BY(mutex_);  ///< user -> names of volumes
    Survey survey_;  ///< last: its threads use the drivers
};

}  // namespace davit::volume
