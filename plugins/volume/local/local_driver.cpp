#include "local_driver.hpp"

#include <sys/statvfs.h>
#include <unistd.h>

#include "base/check.hpp"
#include "base/clock.hpp"
#include "base/defer.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "base/remove_tree.hpp"
#include "davit/sdk.hpp"
#include "loop_file.hpp"

namespace davit {
namespace fs = std::filesystem;

using local::Record;
using local::VolumeKind;

namespace {

fs::path rootOf(const DriverContext& context) {
    DriverConfig config(context);
    const std::string root = config.string("Root", context.stateDirectory());
    config.finish();
    if (root.empty() || !fs::path(root).is_absolute()) throw Error(Code::invalid, "Root: an absolute path is needed");
    return root;
}

// What bounds the volume, for `volume inspect`.
std::string statusOf(const Record& record, const std::string& means) {
    json::Writer out;
    out.object([&] {
        if (!record.limits.any()) return;
        if (record.limits.bytes != 0) out.member("Size", record.limits.bytes);
        if (record.limits.inodes != 0) out.member("Inodes", record.limits.inodes);
        out.member("LimitedBy", record.kind == VolumeKind::loop ? "loop file" : record.kind == VolumeKind::mounted ? "tmpfs" : means);
    });
    return out.take();
}

VolumeUsage usageOfMounted(const fs::path& place) {
    struct statvfs info {};
    check(::statvfs(place.c_str(), &info), "ask the file system at {}", place.string());
    const auto unit = static_cast<std::int64_t>(info.f_frsize);
    return {.size = static_cast<std::int64_t>(info.f_blocks - info.f_bfree) * unit,
            .inodes = static_cast<std::int64_t>(info.f_files - info.f_ffree)};
}

}  // namespace

LocalVolumeDriver::LocalVolumeDriver(const DriverContext& context) : context_(context) {
    const fs::path root = rootOf(context);
    makeDirectories(root, 0701);
    backing_ = local::chooseBacking(root, {});
    home_ = std::make_unique<local::VolumeHome>(root, [this](const fs::path& path, const std::stop_token& stop) { dispose(path, stop); });
    std::vector<fs::path> trees;
    for (const std::string& name : home_->list()) trees.push_back(home_->data(name));
    if (!trees.empty()) backing_ = local::chooseBacking(root, trees);
    sweepMounts();
}

// What a kill between a mount and the note of its user left.
void LocalVolumeDriver::sweepMounts() {
    for (const std::string& name : home_->list()) {
        try {
            if (!local::Mounter::isMounted(home_->data(name)) || !local::Users::read(home_->of(name)).empty()) continue;
            mounter_.unmount(home_->data(name));
        } catch (const Error& failure) {  // one volume's trouble
            context_.log(LogLevel::warning, "volume " + name + ": " + failure.text());
        }
    }
}

void LocalVolumeDriver::dispose(const fs::path& path, const std::stop_token& stop) {
    const fs::path snapshots = path / "snapshots";
    if (fs::exists(snapshots))
        for (const auto& snapshot : fs::directory_iterator(snapshots)) backing_->dropTree(snapshot.path() / "_data");
    if (fs::exists(path / "_data")) backing_->dropTree(path / "_data");
    (void)removeTree(path, stop);
}

// The empty content of a new volume; decides of which kind it is.
void LocalVolumeDriver::makeContent(const fs::path& directory, Record& record) {
    const local::VolumeOptions options = local::parseOptions(record.options);
    record.limits = options.limits;
    const fs::path data = directory / "_data";
    if (options.mount.any()) {
        record.kind = VolumeKind::mounted;
        return makeDirectories(data, 0755);
    }
    if (record.limits.any() && !backing_->canBound(record.limits)) {
        record.kind = VolumeKind::loop;
        makeDirectories(data, 0755);
        return local::makeImage(directory / "image", record.limits);
    }
    backing_->makeTree(data);
    if (record.limits.any()) backing_->bound(data, record.limits);
}

void LocalVolumeDriver::create(const std::string& name, const Options& options) {
    local::checkName(name);
    (void)local::parseOptions(options);
    const auto hold = home_->one(name);
    if (const std::optional<Record> there = home_->find(name)) {
        if (there->options == options) return;
        throw error(Code::conflict, "volume {} exists with other options", name);
    }
    Record record{.options = options, .created_at = formatRfc3339(now())};
    local::VolumeHome::Draft draft(*home_);
    makeContent(draft.path(), record);
    home_->write(draft.path(), record);
    draft.publish(home_->of(name));
}

bool LocalVolumeDriver::inUse(const std::string& name) const {
    return users_.any(name) || !local::Users::read(home_->of(name)).empty();
}

void LocalVolumeDriver::refuseUse(const std::string& name, const char* doing) const {
    if (inUse(name)) throw error(Code::conflict, "{} {}: volume is in use", doing, name);
}

void LocalVolumeDriver::remove(const std::string& name) {
    local::checkName(name);
    const auto hold = home_->one(name);
    refuseUse(name, "remove");
    if (local::Mounter::isMounted(home_->data(name))) mounter_.unmount(home_->data(name));
    (void)home_->discard(home_->of(name));
}

void LocalVolumeDriver::attach(const std::string& name, const Record& record, const std::string& id) {
    if (record.kind == VolumeKind::directory) return users_.add(name, id);
    std::set<std::string> users = local::Users::read(home_->of(name));
    const fs::path data = home_->data(name);
    if (!local::Mounter::isMounted(data)) {
        if (record.kind == VolumeKind::loop) {
            mounter_.mountImage(home_->of(name) / "image", data);
            (void)::rmdir((data / "lost+found").c_str());  // an empty volume is empty
        } else {
            mounter_.mount(local::parseOptions(record.options).mount, data);
        }
    }
    Defer undo([&] {
        if (users.empty()) mounter_.unmount(data);
    });
    std::set<std::string> more = users;
    more.insert(id);
    local::Users::write(home_->of(name), more);
    undo.dismiss();
}

void LocalVolumeDriver::detach(const std::string& name, const std::string& id) {
    users_.drop(name, id);
    std::set<std::string> users = local::Users::read(home_->of(name));
    if (users.erase(id) == 0) return;
    if (users.empty()) mounter_.unmount(home_->data(name));
    local::Users::write(home_->of(name), users);
}

std::string LocalVolumeDriver::mount(const std::string& name, const std::string& id) {
    local::checkName(name);
    const auto hold = home_->one(name);
    attach(name, home_->require(name), id);
    return home_->data(name);
}

void LocalVolumeDriver::unmount(const std::string& name, const std::string& id) {
    local::checkName(name);
    const auto hold = home_->one(name);
    if (home_->has(name)) detach(name, id);
}

std::string LocalVolumeDriver::path(const std::string& name) {
    local::checkName(name);
    (void)home_->require(name);
    return home_->data(name);
}

VolumeInfo LocalVolumeDriver::describe(const std::string& name) const {
    VolumeInfo info{.name = name, .mountpoint = home_->data(name)};
    try {
        const Record record = home_->require(name);
        info.created_at = record.created_at;
        info.status_json = statusOf(record, backing_->means());
    } catch (const Error& failure) {
        if (failure.code() == Code::not_found) throw;
        json::Writer out;
        out.object([&] { out.member("Error", failure.text()); });
        info.status_json = out.take();
    }
    return info;
}

std::optional<VolumeInfo> LocalVolumeDriver::get(const std::string& name) {
    local::checkName(name);
    if (!home_->has(name)) return std::nullopt;
    return describe(name);
}

std::vector<VolumeInfo> LocalVolumeDriver::list() {
    std::vector<VolumeInfo> all;
    for (const std::string& name : home_->list()) {
        try {
            all.push_back(describe(name));
        } catch (const Error&) {  // removed meanwhile
        }
    }
    return all;
}

VolumeCapabilities LocalVolumeDriver::capabilities() {
    return {.scope = "local", .snapshot = true, .clone = true, .resize = true, .usage = true, .transfer = true, .rename = true};
}

VolumeUsage LocalVolumeDriver::usage(const std::string& name) {
    local::checkName(name);
    const Record record = home_->require(name);
    const fs::path data = home_->data(name);
    switch (record.kind) {
        case VolumeKind::directory: {
            const std::optional<VolumeUsage> counted = backing_->counted(data);
            return counted ? *counted : local::measure(data);
        }
        case VolumeKind::loop:
            if (local::Mounter::isMounted(data)) return usageOfMounted(data);
            return {.size = local::measure(home_->of(name)).size, .inodes = -1};
        case VolumeKind::mounted: break;
    }
    // Of a server's file system nobody knows which part is this volume's; asking could hang.
    const bool own = local::parseOptions(record.options).mount.type == "tmpfs";
    return own && local::Mounter::isMounted(data) ? usageOfMounted(data) : VolumeUsage{};
}

void LocalVolumeDriver::rename(const std::string& name, const std::string& new_name) {
    local::checkName(name);
    local::checkName(new_name);
    if (name == new_name) return;
    // In the order of the names, so that two renames never wait for each other.
    const auto first = home_->one(std::min(name, new_name));
    const auto second = home_->one(std::max(name, new_name));
    if (!home_->has(name) && home_->has(new_name)) return;  // done before, and the answer was lost
    (void)home_->require(name);
    refuseUse(name, "rename");
    if (local::Mounter::isMounted(home_->data(name))) mounter_.unmount(home_->data(name));
    if (home_->has(new_name)) throw error(Code::conflict, "rename {}: volume {} exists", name, new_name);
    local::moveDirectory(home_->of(name), home_->of(new_name));
}

}  // namespace davit
