#include "archive/entry_maker.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "archive/id_map.hpp"
#include "archive/xattr.hpp"
#include "base/check.hpp"

namespace davit::archive {
namespace {

bool isUserNamespaceRefusal(const UnpackOptions& options) { return options.user_xattrs && errno == EPERM; }

// True when made, false for EEXIST.
bool made(int result, const std::string& what, const std::string& name) {
    if (result >= 0) return true;
    if (errno == EEXIST) return false;
    throw Error::system(fmt::format("create {} {}", what, name), errno);
}

UniqueFd openEntry(int parent_fd, const std::string& name) {
    return UniqueFd(check(::openat(parent_fd, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC), "open {}", name));
}

mode_t typeBits(TarEntry::Kind kind) {
    switch (kind) {
        case TarEntry::Kind::char_device:
            return S_IFCHR;
        case TarEntry::Kind::block_device:
            return S_IFBLK;
        default:
            return S_IFIFO;
    }
}

void writeAt(int fd, std::span<const std::byte> data, std::int64_t offset, const std::string& path) {
    while (!data.empty()) {
        const ssize_t put = ::pwrite(fd, data.data(), data.size(), offset);
        if (put < 0 && errno == EINTR) continue;
        check(put, "write {}", path);
        data = data.subspan(static_cast<std::size_t>(put));
        offset += put;
    }
}

}  // namespace

EntryMaker::EntryMaker(const UnpackOptions& options) : options_(options) {}

bool EntryMaker::ownerIsCallers(const OpenDirectory& parent, const TarEntry& entry) const {
    return !parent.set_gid && toHostId(options_.uid_maps, entry.uid) == ::geteuid() &&
           toHostId(options_.gid_maps, entry.gid) == ::getegid();
}

void EntryMaker::dress(int fd, const TarEntry& entry, bool set_owner) const {
    if (options_.ownership && set_owner)
        check(::fchownat(fd, "", toHostId(options_.uid_maps, entry.uid), toHostId(options_.gid_maps, entry.gid),
                         AT_EMPTY_PATH),
              "change the owner of {}", entry.path);
    if (entry.kind != TarEntry::Kind::symlink) {
        // By /proc, since fchmod refuses O_PATH descriptors, which is all that devices and fifos are opened with.
        const bool path_only = entry.kind != TarEntry::Kind::regular && entry.kind != TarEntry::Kind::directory;
        const int result = path_only ? ::chmod(fmt::format("/proc/self/fd/{}", fd).c_str(), entry.mode & 07777U)
                                     : ::fchmod(fd, entry.mode & 07777U);
        check(result, "change the mode of {}", entry.path);
    }
    for (const auto& [name, value] : entry.xattrs)
        if (portableXattr(name)) (void)writeXattr(fd, name, value);  // as Docker: a file system without them has none
    const timespec times[2] = {entry.atime.value_or(timespec{0, UTIME_OMIT}), entry.mtime};
    check(::utimensat(fd, "", times, AT_EMPTY_PATH), "set the times of {}", entry.path);
}

void EntryMaker::write(int fd, const TarEntry& entry, TarReader& content) const {
    std::int64_t end = 0;
    for (auto block = content.readBlock(); !block.data.empty(); block = content.readBlock()) {
        writeAt(fd, block.data, block.offset, entry.path);
        end = block.offset + static_cast<std::int64_t>(block.data.size());
    }
    if (end < entry.size) check(::ftruncate(fd, entry.size), "extend {}", entry.path);
}

bool EntryMaker::file(const OpenDirectory& parent, const std::string& name, const TarEntry& entry,
                      TarReader& content) const {
    const UniqueFd fd(
        ::openat(parent.fd.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!made(fd.get(), "file", entry.path)) return false;
    write(fd.get(), entry, content);
    dress(fd.get(), entry, !ownerIsCallers(parent, entry));
    return true;
}

bool EntryMaker::symlink(const OpenDirectory& parent, const std::string& name, const TarEntry& entry) const {
    if (!made(::symlinkat(entry.link_target.c_str(), parent.fd.get(), name.c_str()), "link", entry.path)) return false;
    dress(openEntry(parent.fd.get(), name).get(), entry, !ownerIsCallers(parent, entry));
    return true;
}

bool EntryMaker::node(const OpenDirectory& parent, const std::string& name, const TarEntry& entry) const {
    const dev_t device = makedev(entry.device_major, entry.device_minor);
    const int result = ::mknodat(parent.fd.get(), name.c_str(), typeBits(entry.kind) | 0600, device);
    if (result < 0 && isUserNamespaceRefusal(options_)) return true;
    if (!made(result, "device", entry.path)) return false;
    dress(openEntry(parent.fd.get(), name).get(), entry);
    return true;
}

bool EntryMaker::hardlink(const OpenDirectory& parent, const std::string& name, int from_fd,
                          const std::string& from) const {
    return made(::linkat(from_fd, from.c_str(), parent.fd.get(), name.c_str(), 0), "hard link", name);
}

UniqueFd EntryMaker::directory(const OpenDirectory& parent, const std::string& name, const TarEntry& entry) const {
    (void)made(::mkdirat(parent.fd.get(), name.c_str(), 0700), "directory", entry.path);
    UniqueFd fd(::openat(parent.fd.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd && (errno == ENOTDIR || errno == ELOOP)) return {};
    check(fd.get(), "open directory {}", entry.path);
    dress(fd.get(), entry);
    return fd;
}

void EntryMaker::whiteout(int parent_fd, const std::string& name) const {
    check(::mknodat(parent_fd, name.c_str(), S_IFCHR, makedev(0, 0)), "create a whiteout of {}", name);
}

void EntryMaker::opaque(int fd) const {
    const char* attribute = options_.user_xattrs ? "user.overlay.opaque" : "trusted.overlay.opaque";
    if (!writeXattr(fd, attribute, "y"))
        throw error(Code::unimplemented, "set {}: the file system has no such attributes", attribute);
}

}  // namespace davit::archive
