// LocalVolumeDriver: volumes on this host. A volume is a directory, bounded and counted by what its file system has for that; or a file
// with a file system of its own where it has nothing; or whatever `type`, `o` and `device` say is to be mounted while it is used.
//
//     volume_home.hpp   where everything stands on disk          backing.hpp     directories, quotas, subvolumes
//     options.hpp       what users may say                       loop_file.hpp   files with a file system
//     users.hpp         who has it mounted                       mounter.hpp     mounting with a deadline
//
// Configuration: "Root", the directory (default: the driver's state directory).
//
// Threads: any. What is done to one volume follows each other; a mount that hangs delays its own volume only.
#pragma once

#include <memory>

#include "backing.hpp"
#include "davit/context.hpp"
#include "driver/volume_driver.hpp"
#include "mounter.hpp"
#include "users.hpp"
#include "volume_home.hpp"

namespace davit {

class LocalVolumeDriver final : public VolumeDriver {
  public:
    static constexpr const char* kName = "local";
    static constexpr const char* kDescription = "volumes on this host's disk, and what can be mounted";
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
    void resize(const std::string& name, std::int64_t bytes) override;
    VolumeUsage usage(const std::string& name) override;
    void exportVolume(const std::string& name, ByteSink& tar) override;
    void importVolume(const std::string& name, ByteSource& tar) override;
    void rename(const std::string& name, const std::string& new_name) override;

  private:
    void dispose(const std::filesystem::path& path, const std::stop_token& stop);
    void sweepMounts();
    void makeContent(const std::filesystem::path& directory, local::Record& record);
    [[nodiscard]] bool inUse(const std::string& name) const;
    void refuseUse(const std::string& name, const char* doing) const;
    /// Mounts the volume unless it is, for a user of that id. The caller holds it.
    void attach(const std::string& name, const local::Record& record, const std::string& id);
    void detach(const std::string& name, const std::string& id);
    /// Copies the content of one volume's or snapshot's directory to another.
    void copyContent(const std::filesystem::path& from, const std::filesystem::path& to, local::VolumeKind kind);
    [[nodiscard]] VolumeInfo describe(const std::string& name) const;

    const DriverContext context_;
    const local::Mounter mounter_;
    std::unique_ptr<local::Backing> backing_;
    local::Users users_;
    std::unique_ptr<local::VolumeHome> home_;  ///< last: its thread uses the rest
};

}  // namespace davit
