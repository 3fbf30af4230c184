// VolumeRows: volumes in the state database.
//
//     volumes         one row each, with a state: a row that isn't "ready" is the intent of a create or a removal under way
//     volume_mounts   one row for each mount that a driver has been asked for and not yet to end
//
// What a client is told exists or is gone is synced. Threads: any.
#pragma once

#include <string>
#include <vector>

#include "state/database.hpp"
#include "volume/volume.hpp"

namespace davit::volume {

/// `renaming`: of the row under the new name; that of the old one is there still.
enum class VolumeState { creating, ready, removing, renaming };

struct VolumeRow {
    Volume volume;
    VolumeState state = VolumeState::ready;
    bool filling = false;  ///< the image's content was being copied into it
    std::string origin;    ///< of a row that is renaming: the name so far
    std::string damage;    ///< not empty: why the row can't be read; only name and driver are meaningful
};

struct MountRow {
    std::string id;
    std::string volume;
    std::string user;
};

class VolumeRows {
  public:
    [[nodiscard]] static state::Schema schema();
    explicit VolumeRows(state::Database& database) : database_(database) {}

    [[nodiscard]] std::vector<VolumeRow> load() const;
    /// Before the driver is asked to make it.
    void intendCreate(const Volume& volume);
    /// It exists; synced.
    void save(const Volume& volume);
    /// Before the driver is asked to rename it.
    void intendRename(const std::string& old_name, const Volume& volume);
    /// It has the new name: the old row goes and this one is ready; synced.
    void rename(const std::string& old_name, const Volume& volume);
    void setState(const std::string& name, VolumeState state);
    void setFilling(const std::string& name, bool filling);
    void remove(const std::string& name, state::Durability durability);

    [[nodiscard]] std::vector<MountRow> mounts() const;
    /// Before the driver is asked to mount it.
    void insertMount(const MountRow& mount);
    void removeMount(const std::string& id);

  private:
    state::Database& database_;
};

/// The JSON of a row; public for tests. decode throws Error{invalid} for what it can't read.
[[nodiscard]] std::string encodeVolume(const Volume& volume);
void decodeVolume(std::string_view json, Volume& volume);

}  // namespace davit::volume
