// local: volumes on this host: directories of the driver's own below one root, bounded by the best means that the file system has,
// and file systems that the user names (tmpfs, nfs, cifs, bind, …), mounted while somebody uses them. See store.hpp for what lies
// where, space.hpp for the limits, mounter.hpp for mounts that may not answer.
//
// Configuration: "Root", a directory; where it is missing, the host's state directory.
//
// Any thread. No lock is held over a mount or a copy but that of the volume itself, which get() and list() don't need.
#pragma once

#include "contents.hpp"
#include "davit/context.hpp"
#include "driver/volume_driver.hpp"
#include "store.hpp"

namespace davit {

class LocalVolumeDriver final : public VolumeDriver {
  public:
    static constexpr const char* kName = "local";
    static constexpr const char* kDescription = "volumes on this host, with limits, snapshots and mounts of any file system";
    explicit LocalVolumeDriver(const DriverContext& context);

    void create(const std::string& name, const Options& options) override;
    void remove(const std::string& name) override;
    std::string mount(const std::string& name, const std::string& id) override;
    void unmount(const std::string& name, const std::string& id) override;
    std::string path(const std::string& name) override;
    std::optional<VolumeInfo> get(const std::string& name) override;
    std::vector<VolumeInfo> list() override;
    VolumeCapabilities capabilities() override;

    void snapshot(const std::string& name, const std::string& snapshot, const Options& options) override;
    std::vector<SnapshotInfo> listSnapshots(const std::string& name) override;
    void removeSnapshot(const std::string& name, const std::string& snapshot) override;
    void clone(const CloneVolume& request) override;
    void resize(const std::string& name, std::int64_t size) override;
    VolumeUsage usage(const std::string& name) override;
    void exportVolume(const std::string& name, ByteSink& tar) override;
    void importVolume(const std::string& name, ByteSource& tar) override;
    void rename(const std::string& name, const std::string& new_name) override;

    /// Waits until what was removed is deleted, or for the time: false.
    bool settle(std::chrono::milliseconds timeout) { return store_.settle(timeout); }

  private:
    using Path = std::filesystem::path;

    void dismissUnused();
    void requireUnused(const std::string& doing, const std::string& name);
    void requireSame(const std::string& name, const Options& options);
    [[nodiscard]] std::optional<VolumeInfo> infoOf(const std::string& name);
    [[nodiscard]] std::string statusOf(const local::VolumeRecord& record);

    DriverContext context_;
    local::VolumeStore store_;
    local::Programs programs_;
    local::Mounter mounter_;
    local::Spaces spaces_;
    local::Contents contents_;
};

}  // namespace davit
