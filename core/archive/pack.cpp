#include "archive/pack.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <climits>

#include "archive/id_map.hpp"
#include "archive/link_table.hpp"
#include "archive/parent_cache.hpp"
#include "archive/sparse.hpp"
#include "archive/tar_writer.hpp"
#include "archive/whiteout.hpp"
#include "archive/xattr.hpp"
#include "base/check.hpp"
#include "base/in_root.hpp"
#include "base/tree_walker.hpp"

namespace davit::archive {
namespace {

std::optional<TarEntry::Kind> kindOf(mode_t mode) {
    switch (mode & S_IFMT) {
        case S_IFREG:
            return TarEntry::Kind::regular;
        case S_IFDIR:
            return TarEntry::Kind::directory;
        case S_IFLNK:
            return TarEntry::Kind::symlink;
        case S_IFCHR:
            return TarEntry::Kind::char_device;
        case S_IFBLK:
            return TarEntry::Kind::block_device;
        case S_IFIFO:
            return TarEntry::Kind::fifo;
        default:
            return std::nullopt;  // sockets
    }
}

bool isWhiteoutDevice(const struct stat& info) { return S_ISCHR(info.st_mode) && info.st_rdev == 0; }

class Packer {
  public:
    Packer(ByteSink& tar, const PackOptions& options) : writer_(tar), options_(options), buffer_(1 << 18) {}

    /// One entry, named `path` in the archive. What vanished meanwhile is left out.
    void entry(int dir_fd, const std::string& name, const std::string& path) {
        const int flags = O_NOFOLLOW | O_CLOEXEC;
        UniqueFd fd(::openat(dir_fd, name.c_str(), O_PATH | flags));
        struct stat info {};
        if (!fd || ::fstat(fd.get(), &info) < 0) return vanished(path);
        const auto kind = kindOf(info.st_mode);
        if (!kind) return;
        if (options_.overlay && isWhiteoutDevice(info)) return whiteout(path, info.st_mtim);
        TarEntry entry = describe(info, path);
        entry.kind = *kind;
        if (const auto first = links_.first(info, path)) {
            entry.kind = TarEntry::Kind::hardlink;
            entry.link_target = *first;
            return writer_.begin(entry);
        }
        takeXattrs(fd.get(), entry);
        if (entry.kind == TarEntry::Kind::symlink) entry.link_target = linkOf(fd.get());
        if (entry.kind != TarEntry::Kind::regular)
            writer_.begin(entry);
        else
            file(UniqueFd(::openat(dir_fd, name.c_str(), O_RDONLY | O_NONBLOCK | flags)), info, entry);
        if (entry.kind == TarEntry::Kind::directory && isOpaque(fd.get()))
            whiteoutFile(path + "/" + std::string(kWhiteoutOpaque), info.st_mtim);
    }

    void tree(int root_fd) {
        const std::string prefix = options_.prefix.empty() ? "" : options_.prefix + "/";
        if (!options_.prefix.empty())
            entry(root_fd, ".", options_.prefix);
        else if (isOpaque(root_fd))
            whiteoutFile(std::string(kWhiteoutOpaque), {});
        TreeWalker walker(reopenDirectory(root_fd));
        while (const auto event = walker.next()) {
            if (*event == TreeWalker::Event::leave) continue;
            if (options_.exclude && options_.exclude(walker.path())) {
                walker.skip();
                continue;
            }
            entry(walker.dirFd(), walker.name(), prefix + walker.path());
        }
    }

    void whiteout(const std::string& path, timespec mtime) {
        const std::string parent = parentOf(path);
        whiteoutFile((parent.empty() ? "" : parent + "/") + std::string(kWhiteoutPrefix) + nameOf(path), mtime);
    }

    void finish() { writer_.finish(); }

  private:
    static void vanished(const std::string& path) {
        if (errno != ENOENT && errno != ELOOP && errno != ENOTDIR && errno != ENXIO)
            throw Error::system("pack " + path, errno);
    }

    static std::string linkOf(int fd) {
        std::string target(PATH_MAX, '\0');
        const ssize_t size = check(::readlinkat(fd, "", target.data(), target.size()), "read a link");
        target.resize(static_cast<std::size_t>(size));
        return target;
    }

    TarEntry describe(const struct stat& info, const std::string& path) const {
        TarEntry entry;
        entry.path = path;
        entry.mode = info.st_mode & 07777U;
        entry.uid = toContainerId(options_.uid_maps, info.st_uid);
        entry.gid = toContainerId(options_.gid_maps, info.st_gid);
        entry.mtime = info.st_mtim;
        entry.device_major = major(info.st_rdev);
        entry.device_minor = minor(info.st_rdev);
        return entry;
    }

    static void takeXattrs(int fd, TarEntry& entry) {
        for (auto& [name, value] : readXattrs(fd))
            if (portableXattr(name)) entry.xattrs.emplace(name, value);
    }

    bool isOpaque(int fd) const {
        if (!options_.overlay) return false;
        return readXattr(fd, "trusted.overlay.opaque") == "y" || readXattr(fd, "user.overlay.opaque") == "y";
    }

    void whiteoutFile(std::string path, timespec mtime) {
        TarEntry entry;
        entry.path = std::move(path);
        entry.mode = 0;
        entry.mtime = mtime;
        writer_.begin(entry);
    }

    void file(UniqueFd fd, struct stat info, TarEntry& entry) {
        if (!fd) return vanished(entry.path);
        check(::fstat(fd.get(), &info), "stat {}", entry.path);
        if (!S_ISREG(info.st_mode)) return;
        entry.size = info.st_size;
        if (!looksSparse(info)) {
            writer_.begin(entry);
            return content(fd.get(), {0, entry.size}, entry.path);
        }
        const auto ranges = dataRanges(fd.get(), entry.size);
        writer_.beginSparse(entry, ranges);
        for (const DataRange& range : ranges) content(fd.get(), range, entry.path);
    }

    void content(int fd, DataRange range, const std::string& path) {
        while (range.length > 0) {
            const auto wanted = std::min<std::int64_t>(range.length, static_cast<std::int64_t>(buffer_.size()));
            const ssize_t got = ::pread(fd, buffer_.data(), static_cast<std::size_t>(wanted), range.offset);
            if (got < 0 && errno == EINTR) continue;
            check(got, "read {}", path);
            // Shorter than a moment ago: the header can't be taken back, so zeros stand for what went.
            if (got == 0) return writer_.pad();
            writer_.write(std::span(buffer_).first(static_cast<std::size_t>(got)));
            range.offset += got;
            range.length -= got;
        }
    }

    TarWriter writer_;
    const PackOptions& options_;
    LinkTable links_;
    std::vector<std::byte> buffer_;
};

std::string trimmed(std::string path) {
    while (path.ends_with('/')) path.pop_back();
    path.erase(0, path.find_first_not_of('/'));
    return path;
}

}  // namespace

void packTree(int root_fd, ByteSink& tar, const PackOptions& options) {
    Packer packer(tar, options);
    packer.tree(root_fd);
    packer.finish();
}

void packPath(int root_fd, const std::string& path, const std::string& name, ByteSink& tar,
              const PackOptions& options) {
    const std::string clean = trimmed(path);
    PackOptions renamed = options;
    renamed.prefix = name;
    const std::string last = nameOf(clean);
    if (clean.empty() || last == "." || last == "..")
        return packTree(openInRoot(root_fd, clean, O_RDONLY | O_DIRECTORY).get(), tar, renamed);
    const UniqueFd parent = tryOpenInRoot(root_fd, parentOf(clean), O_RDONLY | O_DIRECTORY);
    struct stat info {};
    if (!parent || ::fstatat(parent.get(), last.c_str(), &info, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno == ENOENT || errno == ENOTDIR) throw error(Code::not_found, "pack {}: no such file", path);
        throw Error::system("pack " + path, errno);
    }
    if (S_ISDIR(info.st_mode)) {
        const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
        const UniqueFd dir(check(::openat(parent.get(), last.c_str(), flags), "open {}", path));
        return packTree(dir.get(), tar, renamed);
    }
    Packer packer(tar, options);
    packer.entry(parent.get(), last, name);
    packer.finish();
}

void packLayer(int root_fd, const std::vector<LayerChange>& changes, ByteSink& tar, const PackOptions& options) {
    Packer packer(tar, options);
    UniqueFd parent;
    std::optional<std::string> parent_path;
    for (const LayerChange& change : changes) {
        const std::string path = trimmed(change.path);
        if (path.empty()) continue;
        if (change.kind == LayerChange::Kind::deleted) {
            packer.whiteout(path, {});
            continue;
        }
        if (parent_path != parentOf(path)) {
            parent_path = parentOf(path);
            parent = tryOpenInRoot(root_fd, *parent_path, O_RDONLY | O_DIRECTORY);
        }
        if (parent) packer.entry(parent.get(), nameOf(path), path);
    }
    packer.finish();
}

}  // namespace davit::archive
