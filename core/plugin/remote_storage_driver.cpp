#include "plugin/remote_storage_driver.hpp"

#include "davit/wire_storage.hpp"

namespace davit::plugin {
namespace {

namespace m = wire::storage;

CreateLayer layer(const std::string& id, const std::string& parent = {}, const std::string& label = {}) {
    return {.id = id, .parent = parent, .mount_label = label, .storage_opt = {}};
}

}  // namespace

void RemoteStorageDriver::init(const StorageInit& request) { caller_.ask(m::kInit, request); }
std::vector<std::pair<std::string, std::string>> RemoteStorageDriver::status() {
    return caller_.ask(m::kStatus, {}).status;
}
StorageCapabilities RemoteStorageDriver::capabilities(const std::string& home) {
    try {
        StorageCapabilities result = caller_.ask(m::kCapabilities, {home}).capabilities;
        if (note_suitability_) note_suitability_(result.unsuitable_why);
        return result;
    } catch (const Error& e) {
        if (e.code() != Code::unimplemented) throw;
        return {};
    }
}
Options RemoteStorageDriver::metadata(const std::string& id) { return caller_.ask(m::kMetadata, layer(id)).metadata; }
bool RemoteStorageDriver::exists(const std::string& id) { return caller_.ask(m::kExists, layer(id)).exists; }
void RemoteStorageDriver::create(const CreateLayer& request) { caller_.ask(m::kCreate, request); }
void RemoteStorageDriver::createWritable(const CreateLayer& request) { caller_.ask(m::kCreateWritable, request); }
void RemoteStorageDriver::remove(const std::string& id) { caller_.ask(m::kRemove, layer(id)); }
std::string RemoteStorageDriver::get(const std::string& id, const std::string& mount_label) {
    return checkedPath(m::kGet.name, caller_.ask(m::kGet, layer(id, {}, mount_label)).dir);
}
void RemoteStorageDriver::put(const std::string& id) { caller_.ask(m::kPut, layer(id)); }
void RemoteStorageDriver::cleanup() { caller_.ask(m::kCleanup, {}); }
void RemoteStorageDriver::diff(const std::string& id, const std::string& parent, ByteSink& out) {
    caller_.ask(m::kDiff, layer(id, parent), nullptr, &out);
}
std::int64_t RemoteStorageDriver::applyDiff(const std::string& id, const std::string& parent, ByteSource& tar) {
    return caller_.ask(m::kApplyDiff, layer(id, parent), &tar).size;
}
std::vector<LayerChange> RemoteStorageDriver::changes(const std::string& id, const std::string& parent) {
    return caller_.ask(m::kChanges, layer(id, parent)).changes;
}
std::int64_t RemoteStorageDriver::diffSize(const std::string& id, const std::string& parent) {
    return caller_.ask(m::kDiffSize, layer(id, parent)).size;
}
std::vector<std::string> RemoteStorageDriver::list() { return caller_.ask(m::kList, {}).ids; }
std::vector<MountSpec> RemoteStorageDriver::mounts(const std::string& id, const std::string& mount_label) {
    return caller_.ask(m::kMounts, layer(id, {}, mount_label)).mounts;
}
LayerUsage RemoteStorageDriver::usage(const std::string& id) { return caller_.ask(m::kUsage, layer(id)); }
void RemoteStorageDriver::setLimit(const std::string& id, std::int64_t bytes) {
    caller_.ask(m::kSetLimit, {id, bytes});
}
void RemoteStorageDriver::clone(const std::string& id, const std::string& source) {
    caller_.ask(m::kClone, {id, source});
}

}  // namespace davit::plugin
