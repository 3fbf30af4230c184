#include "local_driver.hpp"

#include <sys/stat.h>

#include "base/check.hpp"
#include "base/clock.hpp"
#include "base/defer.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "davit/config.hpp"
#include "mount_table.hpp"
#include "users.hpp"

namespace davit {
namespace fs = std::filesystem;
using local::kData;
using local::Users;
using local::VolumeOptions;
using local::VolumeRecord;
using local::VolumeStore;
namespace {

fs::path rootOf(const DriverContext& context) {
    DriverConfig config(context);
    std::string root = config.string("Root", context.stateDirectory());
    config.finish();
    if (root.empty()) throw Error(Code::invalid, "Root: needed, because the host gives no state directory");
    return root;
}

}  // namespace

LocalVolumeDriver::LocalVolumeDriver(const DriverContext& context)
    : context_(context),
      store_(rootOf(context), local::disposeOf),
      mounter_(programs_),
      spaces_(store_.root(), programs_, mounter_),
      contents_(store_, spaces_, mounter_) {
    dismissUnused();
}

// An earlier process ended between a mount and its answer.
void LocalVolumeDriver::dismissUnused() {
    for (const local::MountEntry& entry : local::mountsBelow(store_.root())) {
        const Path place = Path(entry.target).parent_path();
        const std::string name = place.filename();
        if (entry.target != store_.root() / name / kData || !local::isVolumeName(name)) continue;
        try {
            if (const auto hold = store_.tryHold(name); hold && Users(place).empty()) mounter_.unmount(entry.target);
        } catch (const Error& e) {
            context_.log(LogLevel::warning, e.text());
        }
    }
}

void LocalVolumeDriver::create(const std::string& name, const Options& options) {
    const VolumeOptions parsed = local::parseOptions(options);
    if (store_.has(name)) return requireSame(name, options);
    const auto draft = store_.draft();
    VolumeRecord record{.options = options, .created = formatRfc3339(now()), .limits = parsed.limits};
    if (parsed.foreign()) {
        makeDirectories(draft->path() / kData, 0755);
    } else {
        local::Space& space = spaces_.choose(parsed.limits);
        record.space = space.name();
        space.make(draft->path(), parsed.limits);
    }
    VolumeStore::write(draft->path(), record);
    if (!draft->publish(store_.pathOf(name))) requireSame(name, options);
}

void LocalVolumeDriver::requireSame(const std::string& name, const Options& options) {
    if (store_.record(name)->options != options) throw error(Code::conflict, "volume {}: exists already, with other options", name);
}

void LocalVolumeDriver::requireUnused(const std::string& doing, const std::string& name) {
    if (contents_.isUsed(name)) throw error(Code::conflict, "{} {}: volume is in use", doing, name);
}

void LocalVolumeDriver::remove(const std::string& name) {
    try {
        if (!store_.has(name)) return;
        const auto hold = store_.hold(name);
        requireUnused("remove", name);
        contents_.dismiss(store_.pathOf(name));
        store_.discard(store_.pathOf(name));
    } catch (const Error& e) {
        if (e.code() != Code::not_found) throw;  // somebody else removed it meanwhile
    }
}

std::string LocalVolumeDriver::mount(const std::string& name, const std::string& id) {
    const Path place = store_.require(name);
    const auto hold = store_.hold(name);
    const auto record = store_.record(name);
    Defer undo([&] {
        if (!contents_.isUsed(name)) contents_.dismiss(place);
    });
    contents_.bring(place, *record);
    Users(place).add(id);
    undo.dismiss();
    return place / kData;
}

void LocalVolumeDriver::unmount(const std::string& name, const std::string& id) {
    if (!store_.has(name)) return;
    const auto hold = store_.hold(name);
    const Path place = store_.pathOf(name);
    Users(place).remove(id);
    if (!contents_.isUsed(name) && contents_.needsMount(name)) contents_.dismiss(place);
}

std::string LocalVolumeDriver::path(const std::string& name) { return store_.require(name) / kData; }

std::string LocalVolumeDriver::statusOf(const VolumeRecord& record) {
    json::Writer out;
    out.object([&] {
        if (record.limits.size != 0) out.member("Size", record.limits.size);
        if (record.limits.inodes != 0) out.member("Inodes", record.limits.inodes);
        out.member("LimitedBy", record.space.empty() ? "tmpfs" : spaces_.named(record.space).means());
    });
    return out.take();
}

std::optional<VolumeInfo> LocalVolumeDriver::get(const std::string& name) {
    if (!local::isVolumeName(name)) return std::nullopt;
    return infoOf(name);
}

std::optional<VolumeInfo> LocalVolumeDriver::infoOf(const std::string& name) {
    VolumeInfo info{.name = name, .mountpoint = fmt::format("{}/{}/{}", store_.root().native(), name, kData), .created_at = {}};
    try {
        const auto record = store_.record(name);
        info.created_at = record->created;
        if (record->limits.any()) info.status_json = statusOf(*record);
    } catch (const Error& e) {
        if (e.code() == Code::not_found) return std::nullopt;
        json::Writer out;
        out.object([&] { out.member("Error", e.text()); });
        info.status_json = out.take();
    }
    return info;
}

std::vector<VolumeInfo> LocalVolumeDriver::list() {
    std::vector<VolumeInfo> all;
    for (const std::string& name : store_.names())
        if (auto info = infoOf(name)) all.push_back(std::move(*info));
    return all;
}

VolumeCapabilities LocalVolumeDriver::capabilities() {
    return {.scope = "local", .snapshot = true, .clone = true, .resize = true, .usage = true, .transfer = true, .rename = true};
}

void LocalVolumeDriver::rename(const std::string& name, const std::string& new_name) {
    if (!store_.has(name) && store_.has(new_name) && store_.record(new_name)->renamed_from == name) return;  // repeated
    const auto hold = store_.hold(name);
    requireUnused("rename", name);
    if (store_.has(new_name)) throw error(Code::conflict, "rename {}: volume {} exists already", name, new_name);
    VolumeRecord record = *store_.record(name);
    contents_.dismiss(store_.pathOf(name));
    record.renamed_from = name;
    VolumeStore::write(store_.pathOf(name), record);
    if (!store_.rename(name, new_name)) throw error(Code::conflict, "rename {}: volume {} exists already", name, new_name);
}

}  // namespace davit
