#include "plugin/remote_volume_driver.hpp"

#include <algorithm>

#include "davit/wire_volume.hpp"

namespace davit::plugin {
namespace {

namespace m = wire::volume;

// Transport failures aren't cached: the next question may be answered.
bool isTransportFailure(Code code) {
    return code == Code::unavailable || code == Code::deadline || code == Code::cancelled;
}

}  // namespace

void RemoteVolumeDriver::create(const std::string& name, const Options& options) {
    caller_.ask(m::kCreate, {name, options});
}
void RemoteVolumeDriver::remove(const std::string& name) { caller_.ask(m::kRemove, {name}); }
std::string RemoteVolumeDriver::mount(const std::string& name, const std::string& id) {
    return checkedPath(m::kMount.name, caller_.ask(m::kMount, {name, id}).mountpoint);
}
void RemoteVolumeDriver::unmount(const std::string& name, const std::string& id) {
    caller_.ask(m::kUnmount, {name, id});
}
std::string RemoteVolumeDriver::path(const std::string& name) {
    std::string path = caller_.ask(m::kPath, {name}).mountpoint;
    return path.empty() ? path : checkedPath(m::kPath.name, std::move(path));
}

std::optional<VolumeInfo> RemoteVolumeDriver::get(const std::string& name) {
    try {
        return caller_.ask(m::kGet, {name}).volume;
    } catch (const ForeignError&) {
        return std::nullopt;
    } catch (const Error& e) {
        if (e.code() != Code::not_found) throw;
        return std::nullopt;
    }
}

std::vector<VolumeInfo> RemoteVolumeDriver::list() { return caller_.ask(m::kList, {}).volumes; }

VolumeCapabilities RemoteVolumeDriver::capabilities() {
    {
        const Lock lock(mutex_);
        if (capabilities_) return *capabilities_;
    }
    VolumeCapabilities result;
    try {
        result = caller_.ask(m::kCapabilities, {}).capabilities;
    } catch (const Error& e) {
        if (isTransportFailure(e.code())) return result;
    }
    std::transform(result.scope.begin(), result.scope.end(), result.scope.begin(),
                   [](unsigned char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c); });
    if (result.scope != "global") result.scope = "local";
    const Lock lock(mutex_);
    return capabilities_.emplace(result);
}

void RemoteVolumeDriver::snapshot(const std::string& name, const std::string& snapshot, const Options& options) {
    caller_.ask(m::kSnapshot, {name, snapshot, options});
}
std::vector<SnapshotInfo> RemoteVolumeDriver::listSnapshots(const std::string& name) {
    return caller_.ask(m::kListSnapshots, {name}).snapshots;
}
void RemoteVolumeDriver::removeSnapshot(const std::string& name, const std::string& snapshot) {
    caller_.ask(m::kRemoveSnapshot, {name, snapshot, {}});
}
void RemoteVolumeDriver::clone(const CloneVolume& request) { caller_.ask(m::kClone, request); }
void RemoteVolumeDriver::resize(const std::string& name, std::int64_t size) { caller_.ask(m::kResize, {name, size}); }
VolumeUsage RemoteVolumeDriver::usage(const std::string& name) { return caller_.ask(m::kUsage, {name}); }
void RemoteVolumeDriver::exportVolume(const std::string& name, ByteSink& out) {
    caller_.ask(m::kExport, {name}, nullptr, &out);
}
void RemoteVolumeDriver::importVolume(const std::string& name, ByteSource& tar) {
    caller_.ask(m::kImport, {name}, &tar);
}
void RemoteVolumeDriver::rename(const std::string& name, const std::string& new_name) {
    caller_.ask(m::kRename, {name, new_name});
}

}  // namespace davit::plugin
