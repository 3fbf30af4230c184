// RemoteVolumeDriver: a VolumeDriver whose every method is a message. Its transport's driver is asked for its capabilities
// once. Any thread.
#pragma once

#include "base/thread_annotations.hpp"
#include "driver/volume_driver.hpp"
#include "plugin/caller.hpp"

namespace davit::plugin {

class RemoteVolumeDriver final : public VolumeDriver {
  public:
    explicit RemoteVolumeDriver(std::shared_ptr<Transport> transport) : caller_(std::move(transport)) {}

    void create(const std::string& name, const Options& options) override;
    void remove(const std::string& name) override;
    /// mount() and path(): Error{invalid} when the driver answers anything but a clean absolute path.
    std::string mount(const std::string& name, const std::string& id) override;
    void unmount(const std::string& name, const std::string& id) override;
    std::string path(const std::string& name) override;
    /// A server that refuses without a code says "no such volume" with it: Docker's servers know no other way.
    std::optional<VolumeInfo> get(const std::string& name) override;
    std::vector<VolumeInfo> list() override;
    /// Never fails because of the driver's answer: defaults then. An unknown scope is "local".
    VolumeCapabilities capabilities() override;
    void snapshot(const std::string& name, const std::string& snapshot, const Options& options) override;
    std::vector<SnapshotInfo> listSnapshots(const std::string& name) override;
    void removeSnapshot(const std::string& name, const std::string& snapshot) override;
    void clone(const CloneVolume& request) override;
    void resize(const std::string& name, std::int64_t size) override;
    VolumeUsage usage(const std::string& name) override;
    void exportVolume(const std::string& name, ByteSink& out) override;
    void importVolume(const std::string& name, ByteSource& tar) override;
    void rename(const std::string& name, const std::string& new_name) override;

  private:
    Caller caller_;
    Mutex mutex_;
    std::optional<VolumeCapabilities> capabilities_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::plugin
