#include "contents.hpp"

#include <fcntl.h>

#include "base/check.hpp"
#include "base/defer.hpp"
#include "base/file.hpp"
#include "base/tree_walker.hpp"
#include "mount_table.hpp"
#include "users.hpp"

namespace davit::local {
namespace fs = std::filesystem;
namespace {

constexpr const char* kImporting = "importing";

void mountForeign(Mounter& mounter, const fs::path& place, const VolumeRecord& record) {
    const VolumeOptions options = parseOptions(record.options);
    if (options.device.empty()) throw Error(Code::invalid, "missing device in volume options");
    mounter.mount({.source = options.device, .target = place / kData, .type = options.type, .words = mountWords(options, record.limits)});
}

void empty(const fs::path& directory) {
    const UniqueFd fd = openFile(directory, O_RDONLY | O_DIRECTORY);
    for (const std::string& name : directoryNames(fd.get())) removeTreeAt(fd.get(), name);
}

// What a kill left of a file that was being replaced, and an earlier boot's users.
void removeLeftovers(const fs::path& place) {
    const UniqueFd fd = openFile(place, O_RDONLY | O_DIRECTORY);
    for (const std::string& name : directoryNames(fd.get()))
        if (name.ends_with(".tmp") || Users::areForgotten(name)) removeTreeAt(fd.get(), name);
}

}  // namespace

bool Contents::needsMount(const std::string& name) {
    try {
        const auto record = store_.record(name);
        return record->space.empty() || spaces_.named(record->space).needsMount();
    } catch (const Error&) {
        return true;
    }
}

void Contents::bring(const fs::path& place, const VolumeRecord& record) {
    removeLeftovers(place);
    if (record.space.empty()) {
        if (!mountAt(place / kData)) mountForeign(mounter_, place, record);
    } else if (Space& space = spaces_.named(record.space); space.needsMount() && !mountAt(place / kData)) {
        space.bring(place);
    }
    if (fs::exists(place / kImporting)) endImport(place, Leave::nothing);
}

void Contents::dismiss(const fs::path& place) {
    if (mountAt(place / kData)) mounter_.unmount(place / kData);
}

bool Contents::isUsed(const std::string& name) {
    {
        const Lock lock(mutex_);
        if (uses_.contains(name)) return true;
    }
    return !Users(store_.pathOf(name)).empty();
}

void Contents::beginImport(const fs::path& place) {
    const UniqueFd fd = openFile(place / kData, O_RDONLY | O_DIRECTORY);
    if (!directoryNames(fd.get()).empty()) throw error(Code::conflict, "import into {}: it isn't empty", place.filename().string());
    writeFileAtomically(place / kImporting, {}, 0600, Sync::yes);
}

void Contents::endImport(const fs::path& place, Leave leave) {
    if (leave == Leave::nothing) empty(place / kData);
    check(::unlink((place / kImporting).c_str()), "end the import into {}", place.filename().string());
    check(::fsync(openFile(place, O_RDONLY | O_DIRECTORY).get()), "sync {}", place.string());
}

Contents::Use::Use(Contents& contents, const std::string& name)
    : contents_(contents), name_(name), place_(contents.store_.require(name)) {
    const auto hold = contents_.store_.hold(name_);
    record_ = contents_.store_.record(name_);
    Defer undo([&] {
        if (!contents_.isUsed(name_)) contents_.dismiss(place_);
    });
    contents_.bring(place_, *record_);
    undo.dismiss();
    const Lock lock(contents_.mutex_);
    ++contents_.uses_[name_];
}

Contents::Use::~Use() {
    try {
        end();
    } catch (...) {  // a destructor: what is still mounted goes with the next last user, or at the next start
    }
}

void Contents::Use::end() {
    {
        const Lock lock(contents_.mutex_);
        const auto use = contents_.uses_.find(name_);
        if (--use->second > 0) return;
        contents_.uses_.erase(use);
    }
    if (!contents_.needsMount(name_)) return;
    const auto hold = contents_.store_.hold(name_);
    if (!contents_.isUsed(name_)) contents_.dismiss(place_);
}

}  // namespace davit::local
