// What the driver does with the content of volumes: snapshots, clones, sizes, archives.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include <algorithm>
#include <set>

#include "archive/pack.hpp"
#include "archive/unpack.hpp"
#include "base/check.hpp"
#include "base/clock.hpp"
#include "base/defer.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "base/tree_walker.hpp"
#include "local_driver.hpp"
#include "mount_table.hpp"

namespace davit {
namespace fs = std::filesystem;
using local::Contents;
using local::kData;
using local::kSnapshots;
using local::VolumeRecord;
using local::VolumeStore;
namespace {

constexpr const char* kSnapshotRecord = "snapshot.json";
constexpr int kAskEvery = 256;  // files of a walk

void requireOwn(const std::string& doing, const VolumeRecord& record) {
    if (record.space.empty())
        throw error(Code::forbidden, "{}: its content is the file system that its options name, not the driver's own", doing);
}

std::string snapshotRecord() {
    json::Writer out;
    out.object([&] { out.member("Created", formatRfc3339(now())); });
    return out.take();
}

std::string createdOf(const fs::path& snapshot) {
    try {
        return json::Document::parse(readFile(snapshot / kSnapshotRecord).value_or("{}")).root()["Created"].string();
    } catch (const Error&) {
        return {};  // damaged: its content is still of use
    }
}

// The sum of the files' sizes, as Docker's `system df` counts.
VolumeUsage walk(const std::string& name, const fs::path& data) {
    VolumeUsage sum{.size = 0, .inodes = 0};
    std::set<std::pair<dev_t, ino_t>> seen;
    TreeWalker walker(openFile(data, O_RDONLY | O_DIRECTORY));
    for (int count = 0; const auto event = walker.next();) {
        if (*event == TreeWalker::Event::leave) continue;
        if (++count % kAskEvery == 0) CurrentCall::check("usage of volume " + name);
        const struct stat& info = walker.info();
        if (info.st_nlink > 1 && !S_ISDIR(info.st_mode) && !seen.emplace(info.st_dev, info.st_ino).second) continue;
        ++sum.inodes;
        if (S_ISREG(info.st_mode)) sum.size += info.st_size;
    }
    return sum;
}

// Only of what answers at once and is the volume's alone: a whole file system in memory or on a device of this host.
VolumeUsage foreignUsage(const fs::path& data) {
    const auto entry = local::mountAt(data);
    struct statfs counters {};
    if (!entry || entry->root != "/" || (entry->device_major == 0 && entry->type != "tmpfs") || ::statfs(data.c_str(), &counters) < 0) return {};
    return {.size = static_cast<std::int64_t>((counters.f_blocks - counters.f_bfree) * static_cast<std::uint64_t>(counters.f_bsize)),
            .inodes = static_cast<std::int64_t>(counters.f_files - counters.f_ffree)};
}

}  // namespace

void LocalVolumeDriver::snapshot(const std::string& name, const std::string& snapshot, const Options& options) {
    local::checkSnapshotName(snapshot);
    if (!options.empty()) throw error(Code::invalid, "invalid option: \"{}\"", options.begin()->first);
    const Contents::Use use(contents_, name);
    requireOwn(fmt::format("snapshot volume {}", name), use.record());
    const Path place = use.place() / kSnapshots / snapshot;
    if (fs::exists(place)) return;
    const auto draft = store_.draft();
    spaces_.named(use.record().space).makeSnapshot(use.data(), draft->path());
    writeFileAtomically(draft->path() / kSnapshotRecord, snapshotRecord());
    local::syncFileSystem(draft->path());
    makeDirectories(place.parent_path(), 0701);
    (void)draft->publish(place);  // else another call has made it meanwhile
}

std::vector<SnapshotInfo> LocalVolumeDriver::listSnapshots(const std::string& name) {
    std::vector<SnapshotInfo> all;
    const Path directory = store_.require(name) / kSnapshots;
    const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) return all;
    for (const std::string& snapshot : directoryNames(fd.get())) all.push_back({.name = snapshot, .created_at = createdOf(directory / snapshot)});
    std::sort(all.begin(), all.end(), [](const SnapshotInfo& a, const SnapshotInfo& b) { return a.name < b.name; });
    return all;
}

void LocalVolumeDriver::removeSnapshot(const std::string& name, const std::string& snapshot) {
    local::checkSnapshotName(snapshot);
    const Path place = store_.pathOf(name) / kSnapshots / snapshot;
    if (fs::exists(place)) store_.discard(place);
}

void LocalVolumeDriver::clone(const CloneVolume& request) {
    const Path target = store_.pathOf(request.name);
    if (!request.snapshot.empty()) local::checkSnapshotName(request.snapshot);
    const auto requireMine = [&] {
        const auto there = store_.record(request.name);
        if (there->source != request.source || there->snapshot != request.snapshot)
            throw error(Code::conflict, "clone {}: volume {} exists already", request.source, request.name);
    };
    if (store_.has(request.name)) return requireMine();
    const Contents::Use use(contents_, request.source);
    requireOwn(fmt::format("clone volume {}", request.source), use.record());
    const Path from = request.snapshot.empty() ? use.data() : use.place() / kSnapshots / request.snapshot / kData;
    if (!fs::exists(from)) throw error(Code::not_found, "clone {}: no such snapshot: {}", request.source, request.snapshot);
    VolumeRecord record = use.record();
    local::Space& space = spaces_.choose(record.limits);
    record.created = formatRfc3339(now());
    record.space = space.name();
    record.source = request.source;
    record.snapshot = request.snapshot;
    record.renamed_from.clear();
    const auto draft = store_.draft();
    space.makeCopy(from, draft->path(), record.limits);
    local::syncFileSystem(draft->path());
    VolumeStore::write(draft->path(), record);
    if (!draft->publish(target)) requireMine();
}

void LocalVolumeDriver::resize(const std::string& name, std::int64_t size) {
    if (size < 0) throw error(Code::invalid, "resize volume {}: a negative size", name);
    const auto hold = store_.hold(name);
    const Path place = store_.pathOf(name);
    VolumeRecord record = *store_.record(name);
    record.limits.size = size;
    const local::VolumeOptions options = local::parseOptions(record.options);
    if (!options.inMemory()) {
        requireOwn(fmt::format("resize volume {}", name), record);
        spaces_.named(record.space).limit(place, record.limits);
    } else if (local::mountAt(place / kData)) {
        // 0 blocks mean no limit to it.
        std::vector<std::string> words = mountWords(options, record.limits);
        if (size == 0) words.push_back("size=0");
        mounter_.remount({.source = options.device, .target = place / kData, .type = options.type, .words = std::move(words)});
    }
    VolumeStore::write(place, record);
}

VolumeUsage LocalVolumeDriver::usage(const std::string& name) {
    const Path place = store_.require(name);
    const auto record = store_.record(name);
    if (record->space.empty()) return foreignUsage(place / kData);
    if (const auto counted = spaces_.named(record->space).usage(place)) return *counted;
    return walk(name, place / kData);
}

void LocalVolumeDriver::exportVolume(const std::string& name, ByteSink& tar) {
    const Contents::Use use(contents_, name);
    archive::packTree(openFile(use.data(), O_RDONLY | O_DIRECTORY).get(), tar, {.prefix = "."});
}

void LocalVolumeDriver::importVolume(const std::string& name, ByteSource& tar) {
    const auto hold = store_.hold(name);
    requireUnused("import into", name);
    const Path place = store_.pathOf(name);
    contents_.bring(place, *store_.record(name));
    const Defer end([&] { contents_.dismiss(place); });
    contents_.receive(place, [&] {
        (void)archive::unpackLayer(tar, openFile(place / kData, O_RDONLY | O_DIRECTORY).get(), {.whiteouts = archive::Whiteouts::plain});
    });
}

}  // namespace davit
