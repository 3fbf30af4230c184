#include "store.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mount.h>

#include <algorithm>
#include <thread>

#include "base/check.hpp"
#include "base/file.hpp"
#include "base/id.hpp"
#include "base/tree_walker.hpp"
#include "davit/context.hpp"
#include "mount_table.hpp"

namespace davit::local {
namespace fs = std::filesystem;
namespace {

constexpr const char* kRecord = "volume.json";
constexpr const char* kStaging = ".staging";
constexpr const char* kTrash = ".trash";
constexpr unsigned kRootMode = 0701;  // as Docker's: who is let in by a name sees nothing else

// What a clone had mounted when its process was killed: a file system of the driver's own, so that nobody is waited for.
void unmountBelow(const fs::path& directory) {
    for (const MountEntry& entry : mountsBelow(directory))
        check(::umount2(entry.target.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW), "unmount {}", entry.target);
}

fs::path madeRoot(const fs::path& root) {
    if (!root.is_absolute()) throw error(Code::invalid, "Root: {} is no absolute path", root.string());
    makeDirectories(root, kRootMode);
    fs::path real = fs::canonical(root);  // as the kernel's table of mounts names it
    unmountBelow(real / kTrash);          // before anything is deleted there
    return real;
}

Error noSuchVolume(const std::string& name) { return error(Code::not_found, "get {}: no such volume", name); }

UniqueFd openBelow(int root_fd, const std::string& name) {
    return UniqueFd(::openat(root_fd, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

}  // namespace

std::chrono::milliseconds timeLeft(std::chrono::milliseconds most) {
    const auto left = CurrentCall::remainingMs();
    return left ? std::min(most, std::chrono::milliseconds(*left)) : most;
}

void syncFileSystem(const fs::path& directory) {
    check(::syncfs(openFile(directory, O_RDONLY | O_DIRECTORY).get()), "sync the file system of {}", directory.string());
}

VolumeStore::VolumeStore(const fs::path& root, archive::Trash::Dispose dispose)
    : root_(madeRoot(root)), root_fd_(openFile(root_, O_RDONLY | O_DIRECTORY)), trash_(root_ / kTrash, std::move(dispose)) {
    makeDirectories(root_ / kStaging, kRootMode);
    sweep();
}

// Unless somebody is at work there: another process of this driver, which has the lock.
void VolumeStore::sweep() {
    const UniqueFd staging = openFile(root_ / kStaging, O_RDONLY | O_DIRECTORY);
    if (::flock(staging.get(), LOCK_EX | LOCK_NB) < 0) return;
    unmountBelow(root_ / kStaging);
    for (const std::string& name : directoryNames(staging.get())) (void)trash_.take(root_ / kStaging / name);
}

void VolumeStore::sync() const { check(::fsync(root_fd_.get()), "sync {}", root_.string()); }

fs::path VolumeStore::pathOf(const std::string& name) const {
    checkVolumeName(name);
    return root_ / name;
}

bool VolumeStore::has(const std::string& name) const {
    struct stat info {};
    return ::lstat(pathOf(name).c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

fs::path VolumeStore::require(const std::string& name) const {
    if (!has(name)) throw noSuchVolume(name);
    return pathOf(name);
}

std::vector<std::string> VolumeStore::names() {
    std::vector<std::string> all = directoryNames(root_fd_.get());
    std::erase_if(all, [](const std::string& name) { return !isVolumeName(name); });
    std::sort(all.begin(), all.end());
    const Lock lock(mutex_);
    std::erase_if(known_, [&](const auto& entry) { return !std::binary_search(all.begin(), all.end(), entry.first); });
    // A file beside the volumes is nobody's; those whose record is known needn't be looked at.
    std::erase_if(all, [&](const std::string& name) {
        mutex_.assertHeld();
        return !known_.contains(name) && !openBelow(root_fd_.get(), name);
    });
    return all;
}

std::shared_ptr<const VolumeRecord> VolumeStore::record(const std::string& name) {
    checkVolumeName(name);
    struct stat info {};
    if (::fstatat(root_fd_.get(), (name + "/" + kRecord).c_str(), &info, AT_SYMLINK_NOFOLLOW) < 0) {
        if (!has(name)) throw noSuchVolume(name);
        throw error(Code::system, "volume {}: damaged: {} is missing", name, kRecord);
    }
    {
        const Lock lock(mutex_);
        const auto known = known_.find(name);
        if (known != known_.end() && known->second.inode == info.st_ino && known->second.changed.tv_sec == info.st_ctim.tv_sec &&
            known->second.changed.tv_nsec == info.st_ctim.tv_nsec)
            return known->second.record;
    }
    const auto text = readFile(pathOf(name) / kRecord);
    if (!text) throw noSuchVolume(name);
    std::shared_ptr<const VolumeRecord> record;
    try {
        record = std::make_shared<VolumeRecord>(decode(*text));
    } catch (const Error& e) {
        throw error(Code::system, "volume {}: damaged: {}: {}", name, kRecord, e.text());
    }
    const Lock lock(mutex_);
    known_[name] = {.inode = info.st_ino, .changed = info.st_ctim, .record = record};
    return record;
}

void VolumeStore::write(const fs::path& volume_dir, const VolumeRecord& record) {
    writeFileAtomically(volume_dir / kRecord, encode(record), 0600, Sync::yes);
}

std::unique_ptr<VolumeStore::Draft> VolumeStore::draft() {
    UniqueFd staging = openFile(root_ / kStaging, O_RDONLY | O_DIRECTORY);
    check(::flock(staging.get(), LOCK_SH), "lock {}", (root_ / kStaging).string());
    const fs::path path = root_ / kStaging / randomId();
    makeDirectories(path, kRootMode);
    return std::make_unique<Draft>(*this, path, std::move(staging));
}

VolumeStore::Draft::~Draft() {
    if (path_.empty()) return;
    try {
        (void)store_.trash_.take(path_);
    } catch (...) {  // a destructor; the next start sweeps it
    }
}

bool VolumeStore::Draft::publish(const fs::path& place) {
    if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, place.c_str(), RENAME_NOREPLACE) < 0) {
        if (errno == EEXIST) return false;
        throw Error::system("create " + place.string(), errno);
    }
    path_.clear();
    check(::fsync(openFile(place.parent_path(), O_RDONLY | O_DIRECTORY).get()), "sync {}", place.parent_path().string());
    return true;
}

bool VolumeStore::rename(const std::string& from, const std::string& to) {
    if (::renameat2(AT_FDCWD, pathOf(from).c_str(), AT_FDCWD, pathOf(to).c_str(), RENAME_NOREPLACE) < 0) {
        if (errno == EEXIST) return false;
        throw Error::system(fmt::format("rename volume {} to {}", from, to), errno);
    }
    sync();
    return true;
}

void VolumeStore::discard(const fs::path& path) {
    if (trash_.take(path)) check(::fsync(openFile(path.parent_path(), O_RDONLY | O_DIRECTORY).get()), "sync {}", path.parent_path().string());
}

// It may have been removed or renamed while this waited for the lock.
bool VolumeStore::isLive(const std::string& name, int fd) const {
    struct stat held {}, there {};
    return ::fstat(fd, &held) == 0 && ::fstatat(root_fd_.get(), name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           held.st_ino == there.st_ino && held.st_dev == there.st_dev;
}

// flock(2) has no deadline, so it is asked again and again. Whoever holds a volume for long waits for a mount or copies.
VolumeStore::Hold VolumeStore::hold(const std::string& name) const {
    const auto until = std::chrono::steady_clock::now() + timeLeft();
    for (auto pause = std::chrono::milliseconds(1);; pause = std::min(2 * pause, std::chrono::milliseconds(16))) {
        UniqueFd fd = openBelow(root_fd_.get(), (checkVolumeName(name), name));
        if (!fd) throw noSuchVolume(name);
        if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) {
            if (isLive(name, fd.get())) return Hold(std::move(fd));
            continue;
        }
        if (errno != EWOULDBLOCK) throw Error::system("lock volume " + name, errno);
        CurrentCall::check("volume " + name + ": another call has it");
        if (std::chrono::steady_clock::now() > until) throw error(Code::deadline, "volume {}: another call has had it for too long", name);
        std::this_thread::sleep_for(pause);
    }
}

std::optional<VolumeStore::Hold> VolumeStore::tryHold(const std::string& name) const {
    UniqueFd fd = openBelow(root_fd_.get(), (checkVolumeName(name), name));
    if (!fd || ::flock(fd.get(), LOCK_EX | LOCK_NB) < 0 || !isLive(name, fd.get())) return std::nullopt;
    return Hold(std::move(fd));
}

}  // namespace davit::local
