#include "plugin/managed_server.hpp"

#include <fcntl.h>

#include "base/check.hpp"
#include "base/file.hpp"
#include "base/in_root.hpp"

namespace davit::plugin {
namespace {

class ScopedVolumeDriver final : public VolumeDriver {
  public:
    ScopedVolumeDriver(std::shared_ptr<VolumeDriver> driver, PathScope scope) : driver_(std::move(driver)), scope_(std::move(scope)) {}

    void create(const std::string& name, const Options& options) override { driver_->create(name, options); }
    void remove(const std::string& name) override { driver_->remove(name); }
    std::string mount(const std::string& name, const std::string& id) override {
        const std::string path = driver_->mount(name, id);
        std::optional<std::string> there = scope_.onHost(path);
        if (!there) throw error(Code::invalid, "the plugin's mountpoint \"{}\" isn't there", path);
        return std::move(*there);
    }
    void unmount(const std::string& name, const std::string& id) override { driver_->unmount(name, id); }
    std::string path(const std::string& name) override {
        const std::string path = driver_->path(name);
        return path.empty() ? path : scope_.onHost(path).value_or("");
    }
    // get() and list() show the server's own words, as Docker does.
    std::optional<VolumeInfo> get(const std::string& name) override { return driver_->get(name); }
    std::vector<VolumeInfo> list() override { return driver_->list(); }
    VolumeCapabilities capabilities() override { return driver_->capabilities(); }
    void snapshot(const std::string& name, const std::string& snapshot, const Options& options) override {
        driver_->snapshot(name, snapshot, options);
    }
    std::vector<SnapshotInfo> listSnapshots(const std::string& name) override { return driver_->listSnapshots(name); }
    void removeSnapshot(const std::string& name, const std::string& snapshot) override { driver_->removeSnapshot(name, snapshot); }
    void clone(const CloneVolume& request) override { driver_->clone(request); }
    void resize(const std::string& name, std::int64_t size) override { driver_->resize(name, size); }
    VolumeUsage usage(const std::string& name) override { return driver_->usage(name); }
    void exportVolume(const std::string& name, ByteSink& tar) override { driver_->exportVolume(name, tar); }
    void importVolume(const std::string& name, ByteSource& tar) override { driver_->importVolume(name, tar); }
    void rename(const std::string& name, const std::string& new_name) override { driver_->rename(name, new_name); }

  private:
    const std::shared_ptr<VolumeDriver> driver_;
    const PathScope scope_;
};

}  // namespace

std::optional<std::string> PathScope::onHost(const std::string& path) const {
    if (!path.starts_with('/') || (path + "/").find("/../") != std::string::npos)
        throw error(Code::invalid, "the plugin's path \"{}\" isn't absolute or leads outside", path);
    const bool below = !propagated.empty() && (path == propagated || path.starts_with(propagated + "/"));
    const UniqueFd root = openFile(below ? propagated_host : rootfs, O_PATH | O_DIRECTORY);
    const UniqueFd there = tryOpenInRoot(root.get(), below ? "/" + path.substr(propagated.size()) : path, O_PATH);
    if (!there && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)) return std::nullopt;
    check(there.get(), "open {} of the plugin", path);
    return std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(there.get())).native();
}

std::shared_ptr<VolumeDriver> scopedVolumeDriver(std::shared_ptr<VolumeDriver> driver, PathScope scope) {
    return std::make_shared<ScopedVolumeDriver>(std::move(driver), std::move(scope));
}

}  // namespace davit::plugin
