// VolumeDriver: named volumes. The wire is Docker's VolumeDriver protocol; the optional methods go beyond it and are
// announced in capabilities().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "driver/driver.hpp"

namespace davit {

struct VolumeInfo {
    std::string name;
    std::string mountpoint;  ///< empty: ask path()
    std::string created_at;  ///< RFC 3339 or empty
    std::string status_json = "{}";  ///< an object, shown verbatim in `volume inspect`
};

struct VolumeCapabilities {
    std::string scope = "local";  ///< "local" or "global"
    bool snapshot = false;        ///< Snapshot, ListSnapshots, RemoveSnapshot
    bool clone = false;
    bool resize = false;
    bool usage = false;
    bool transfer = false;  ///< Export and Import
    bool rename = false;
};

struct SnapshotInfo {
    std::string name;
    std::string created_at;
};

struct CloneVolume {
    std::string source;
    std::string snapshot;  ///< empty: the volume as it is now
    std::string name;      ///< of the new volume
};

struct VolumeUsage {
    std::int64_t size = -1;    ///< bytes; -1 unknown
    std::int64_t inodes = -1;  ///< -1 unknown
};

class VolumeDriver {
  public:
    virtual ~VolumeDriver() = default;

    /// Needn't allocate anything. Unknown options are Error{invalid}; an existing volume of the same options succeeds.
    virtual void create(const std::string& name, const Options& options) = 0;
    virtual void remove(const std::string& name) = 0;
    /// Returns the mountpoint. `id` is unique per mount request; the driver counts users by it.
    virtual std::string mount(const std::string& name, const std::string& id) = 0;
    virtual void unmount(const std::string& name, const std::string& id) = 0;
    virtual std::string path(const std::string& name) = 0;
    /// std::nullopt: no such volume.
    virtual std::optional<VolumeInfo> get(const std::string& name) = 0;
    virtual std::vector<VolumeInfo> list() = 0;
    virtual VolumeCapabilities capabilities() { return {}; }

    // --- optional ---
    virtual void snapshot(const std::string&, const std::string&, const Options&) { unimplemented("VolumeDriver.Snapshot"); }
    virtual std::vector<SnapshotInfo> listSnapshots(const std::string&) { unimplemented("VolumeDriver.ListSnapshots"); }
    virtual void removeSnapshot(const std::string&, const std::string&) { unimplemented("VolumeDriver.RemoveSnapshot"); }
    virtual void clone(const CloneVolume&) { unimplemented("VolumeDriver.Clone"); }
    virtual void resize(const std::string&, std::int64_t) { unimplemented("VolumeDriver.Resize"); }
    virtual VolumeUsage usage(const std::string&) { unimplemented("VolumeDriver.Usage"); }
    /// An uncompressed tar of the volume's content.
    virtual void exportVolume(const std::string&, ByteSink&) { unimplemented("VolumeDriver.Export"); }
    virtual void importVolume(const std::string&, ByteSource&) { unimplemented("VolumeDriver.Import"); }
    virtual void rename(const std::string&, const std::string&) { unimplemented("VolumeDriver.Rename"); }
};

}  // namespace davit
