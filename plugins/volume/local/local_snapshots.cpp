// Snapshots, clones, sizes and archives of local volumes.
#include <fcntl.h>

#include <algorithm>

#include "archive/pack.hpp"
#include "archive/unpack.hpp"
#include "base/check.hpp"
#include "base/clock.hpp"
#include "base/defer.hpp"
#include "base/file.hpp"
#include "base/id.hpp"
#include "local_driver.hpp"
#include "loop_file.hpp"

namespace davit {
namespace fs = std::filesystem;

using local::Record;
using local::VolumeKind;

namespace {

void refuseMounted(const std::string& name, const Record& record, const char* what) {
    if (record.kind == VolumeKind::mounted)
        throw error(Code::unimplemented, "volume {}: its content is elsewhere, at {}: no {} of it", name, record.options.at("device"), what);
}

}  // namespace

void LocalVolumeDriver::copyContent(const fs::path& from, const fs::path& to, VolumeKind kind) {
    if (kind == VolumeKind::directory) return backing_->copyTree(from / "_data", to / "_data");
    makeDirectories(to / "_data", 0755);
    local::copyImage(from / "image", to / "image");
}

void LocalVolumeDriver::snapshot(const std::string& name, const std::string& snapshot, const Options& options) {
    local::checkName(name);
    local::checkSnapshotName(snapshot);
    if (!options.empty()) throw error(Code::invalid, "invalid option: \"{}\"", options.begin()->first);
    const auto hold = home_->one(name);
    Record record = home_->require(name);
    refuseMounted(name, record, "snapshots");
    // A file system that is written to can't be copied from below.
    if (record.kind == VolumeKind::loop) refuseUse(name, "snapshot");
    const fs::path place = home_->of(name) / "snapshots" / snapshot;
    if (fs::exists(place)) throw error(Code::conflict, "volume {}: snapshot {} exists", name, snapshot);
    makeDirectories(place.parent_path(), 0700);
    local::VolumeHome::Draft draft(*home_);
    copyContent(home_->of(name), draft.path(), record.kind);
    record.created_at = formatRfc3339(now());
    home_->write(draft.path(), record);
    draft.publish(place);
}

std::vector<SnapshotInfo> LocalVolumeDriver::listSnapshots(const std::string& name) {
    local::checkName(name);
    (void)home_->require(name);
    std::vector<SnapshotInfo> all;
    std::error_code none;
    for (fs::directory_iterator at(home_->of(name) / "snapshots", none), end; !none && at != end; at.increment(none)) {
        const std::string snapshot = at->path().filename();
        const std::optional<Record> record = home_->find(name + "/snapshots/" + snapshot);
        all.push_back({.name = snapshot, .created_at = record ? record->created_at : ""});
    }
    std::sort(all.begin(), all.end(), [](const SnapshotInfo& a, const SnapshotInfo& b) { return a.name < b.name; });
    return all;
}

void LocalVolumeDriver::removeSnapshot(const std::string& name, const std::string& snapshot) {
    local::checkName(name);
    local::checkSnapshotName(snapshot);
    const auto hold = home_->one(name);
    (void)home_->require(name);
    (void)home_->discard(home_->of(name) / "snapshots" / snapshot);
}

void LocalVolumeDriver::clone(const CloneVolume& request) {
    local::checkName(request.source);
    local::checkName(request.name);
    if (!request.snapshot.empty()) local::checkSnapshotName(request.snapshot);
    const auto first = home_->one(std::min(request.source, request.name));
    const auto second = home_->one(std::max(request.source, request.name));
    Record record = home_->require(request.source);
    refuseMounted(request.source, record, "clones");
    if (home_->has(request.name)) throw error(Code::conflict, "volume {} exists", request.name);
    fs::path from = home_->of(request.source);
    if (!request.snapshot.empty()) {
        from = from / "snapshots" / request.snapshot;
        if (!fs::exists(from)) throw error(Code::not_found, "volume {}: no snapshot {}", request.source, request.snapshot);
    } else if (record.kind == VolumeKind::loop) {
        refuseUse(request.source, "clone");
    }
    local::VolumeHome::Draft draft(*home_);
    copyContent(from, draft.path(), record.kind);
    if (record.kind == VolumeKind::directory && record.limits.any()) backing_->bound(draft.path() / "_data", record.limits);
    record.created_at = formatRfc3339(now());
    home_->write(draft.path(), record);
    draft.publish(home_->of(request.name));
}

void LocalVolumeDriver::resize(const std::string& name, std::int64_t bytes) {
    local::checkName(name);
    if (bytes <= 0) throw error(Code::invalid, "invalid size: {}", bytes);
    const auto hold = home_->one(name);
    Record record = home_->require(name);
    refuseMounted(name, record, "other size");
    record.limits.bytes = bytes;
    if (record.kind == VolumeKind::loop) {
        refuseUse(name, "resize");
        local::growImage(home_->of(name) / "image", bytes);
    } else {
        backing_->bound(home_->data(name), record.limits);
    }
    home_->write(home_->of(name), record);
}

void LocalVolumeDriver::exportVolume(const std::string& name, ByteSink& tar) {
    const std::string id = randomId();
    const std::string place = mount(name, id);
    const Defer done([&] { unmount(name, id); });
    archive::packTree(openFile(place, O_RDONLY | O_DIRECTORY).get(), tar);
}

void LocalVolumeDriver::importVolume(const std::string& name, ByteSource& tar) {
    const std::string id = randomId();
    const std::string place = mount(name, id);
    const Defer done([&] { unmount(name, id); });
    (void)archive::unpackLayer(tar, openFile(place, O_RDONLY | O_DIRECTORY).get(), {.whiteouts = archive::Whiteouts::plain});
}

}  // namespace davit
