#include "archive/unpack.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "archive/entry_maker.hpp"
#include "archive/lower_layers.hpp"
#include "archive/path_set.hpp"
#include "archive/whiteout.hpp"
#include "base/check.hpp"
#include "base/file.hpp"
#include "base/tree_walker.hpp"

namespace davit::archive {
namespace {

// Relative to the base, without empty and "." components; "" is the base itself.
std::string cleanName(std::string_view name) {
    std::string clean;
    while (!name.empty()) {
        const std::size_t slash = name.find('/');
        const std::string_view part = name.substr(0, slash);
        name.remove_prefix(slash == std::string_view::npos ? name.size() : slash + 1);
        if (part.empty() || part == ".") continue;
        if (part == "..") throw error(Code::invalid, "invalid name in archive: \"..\" in {}", clean);
        if (!clean.empty()) clean += '/';
        clean += part;
    }
    return clean;
}

bool isWhiteoutDevice(const struct stat& info) { return S_ISCHR(info.st_mode) && info.st_rdev == 0; }

class Unpacker {
  public:
    Unpacker(ByteSource& tar, int root_fd, const UnpackOptions& options)
        : options_(options),
          reader_(tar),
          make_(options),
          lowers_(options),
          parents_(root_fd, options.base, options.whiteouts != Whiteouts::plain,
                   [this](int fd, const std::string& path) { dressImplied(fd, path); }) {}

    std::int64_t run() {
        while (const TarEntry* entry = reader_.next()) member(*entry);
        parents_.flush();
        reader_.drain();
        return total_;
    }

  private:
    void member(const TarEntry& entry) {
        const std::string path = cleanName(entry.path);
        if (path.empty()) return baseMember(entry);
        if (options_.whiteouts != Whiteouts::plain && whiteoutMember(path)) return;
        note(path);
        switch (entry.kind) {
            case TarEntry::Kind::regular:
                return fileMember(path, entry);
            case TarEntry::Kind::directory:
                return directoryMember(path, entry);
            case TarEntry::Kind::hardlink:
                return linkMember(path, entry);
            case TarEntry::Kind::symlink:
                return place(path, [&](auto& parent, auto& name) { return make_.symlink(parent, name, entry); });
            default:
                return place(path, [&](auto& parent, auto& name) { return make_.node(parent, name, entry); });
        }
    }

    // Calls `attempt` until it finds its place free, removing what is in the way in between.
    template <typename Attempt>
    void place(const std::string& path, Attempt attempt) {
        const std::string name = nameOf(path);
        for (int left = 3; !attempt(parents_.open(parentOf(path)), name); --left) {
            if (left == 0) throw error(Code::conflict, "create {}: something else keeps making it", path);
            clearWay(path, false);
        }
    }

    // Removes what has the name of a member. True when it was an overlay whiteout.
    bool clearWay(const std::string& path, bool for_directory) {
        parents_.flush();  // paths may lead through what goes away
        const OpenDirectory& parent = parents_.open(parentOf(path));
        const std::string name = nameOf(path);
        struct stat info {};
        if (::fstatat(parent.fd.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) < 0) return false;
        if (options_.keep_types && S_ISDIR(info.st_mode) != for_directory)
            throw error(Code::conflict, "cannot overwrite {}directory \"{}\" with {}directory",
                        for_directory ? "non-" : "", path, for_directory ? "" : "non-");
        removeTreeAt(parent.fd.get(), name);
        return isWhiteoutDevice(info);
    }

    void baseMember(const TarEntry& entry) {
        if (entry.kind != TarEntry::Kind::directory)
            throw error(Code::invalid, "invalid name in archive: \"{}\" isn't a directory", entry.path);
        UniqueFd fd = reopenDirectory(parents_.open("").fd.get());
        make_.dress(fd.get(), entry);
        parents_.keep("", std::move(fd));
    }

    void fileMember(const std::string& path, const TarEntry& entry) {
        if (options_.size_limit > 0 && entry.size > options_.size_limit - total_)
            throw error(Code::invalid, "unpack {}: the archive holds more than {} bytes", path, options_.size_limit);
        place(path, [&](auto& parent, auto& name) { return make_.file(parent, name, entry, reader_); });
        total_ += entry.size;
    }

    void directoryMember(const std::string& path, const TarEntry& entry) {
        const std::string name = nameOf(path);
        bool hides = false;
        UniqueFd fd = make_.directory(parents_.open(parentOf(path)), name, entry);
        for (int left = 3; !fd; --left) {
            if (left == 0) throw error(Code::conflict, "create {}: something else keeps making it", path);
            hides = clearWay(path, true);
            fd = make_.directory(parents_.open(parentOf(path)), name, entry);
        }
        if (hides && options_.whiteouts == Whiteouts::overlay) make_.opaque(fd.get());
        parents_.keep(path, std::move(fd));
    }

    void linkMember(const std::string& path, const TarEntry& entry) {
        const std::string target = cleanName(entry.link_target);
        if (target == path) return;
        if (options_.whiteouts == Whiteouts::overlay) bringUp(target);
        place(path, [&](const OpenDirectory& parent, const std::string& name) {
            const OpenDirectory* from = parents_.find(parentOf(target));
            if (from == nullptr) throw error(Code::invalid, "hard link {} to {}: no such file", path, target);
            return make_.hardlink(parent, name, from->fd.get(), nameOf(target));
        });
    }

    // A link's target that only a lower layer has must come into this one.
    void bringUp(const std::string& target) {
        struct stat info {};
        const OpenDirectory* parent = parents_.find(parentOf(target));
        if (parent != nullptr && ::fstatat(parent->fd.get(), nameOf(target).c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0)
            return;
        if (!lowers_.has(target)) return;
        lowers_.copyUp(target, parents_.open(parentOf(target)).fd.get());
    }

    // A directory that no member describes: as in the layers below, else 0755 of the container's root.
    void dressImplied(int fd, const std::string& path) {
        TarEntry entry;
        entry.path = path;
        entry.kind = TarEntry::Kind::directory;
        entry.mode = 0755;
        if (::clock_gettime(CLOCK_REALTIME, &entry.mtime) < 0) entry.mtime = {};
        if (!lowers_.dressLike(fd, path)) make_.dress(fd, entry);
    }

    void note(const std::string& path) {
        if (options_.whiteouts != Whiteouts::remove) return;
        for (std::string at = path; !at.empty() && seen_.insert(at);) at = parentOf(at);
    }

    // --- whiteouts ---

    bool whiteoutMember(const std::string& path) {
        const std::string directory = parentOf(path);
        if (("/" + directory).find("/.wh.") != std::string::npos)
            throw error(Code::invalid, "invalid whiteout entry: {}", path);
        const Whiteout mark = parseWhiteout(nameOf(path));
        if (mark.kind == Whiteout::Kind::none) return false;
        const bool overlay = options_.whiteouts == Whiteouts::overlay;
        if (mark.kind == Whiteout::Kind::hide)
            overlay ? coverName(directory, mark.hidden) : removeName(directory, mark.hidden);
        if (mark.kind == Whiteout::Kind::opaque) overlay ? coverDirectory(directory) : emptyDirectory(directory);
        return true;
    }

    void removeName(const std::string& directory, const std::string& name) {
        parents_.flush();
        if (const OpenDirectory* parent = parents_.find(directory)) removeTreeAt(parent->fd.get(), name);
    }

    // Removes what the directory had before this archive.
    void emptyDirectory(const std::string& directory) {
        parents_.flush();
        const OpenDirectory* parent = parents_.find(directory);
        if (parent == nullptr) return;
        const std::string prefix = directory.empty() ? "" : directory + "/";
        TreeWalker walker(reopenDirectory(parent->fd.get()));
        while (const auto event = walker.next()) {
            if (*event == TreeWalker::Event::leave || seen_.contains(prefix + walker.path())) continue;
            removeTreeAt(walker.dirFd(), walker.name());
            walker.skip();
        }
    }

    void coverName(const std::string& directory, const std::string& name) {
        const OpenDirectory& parent = parents_.open(directory);
        struct stat info {};
        if (::fstatat(parent.fd.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) < 0)
            return make_.whiteout(parent.fd.get(), name);
        // Made by this very archive: a mark speaks of lower layers only, which a file covers by itself.
        if (!S_ISDIR(info.st_mode)) return;
        const int fd = ::openat(parent.fd.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        make_.opaque(UniqueFd(check(fd, "open directory {}", name)).get());
    }

    void coverDirectory(const std::string& directory) {
        if (!directory.empty()) return make_.opaque(parents_.open(directory).fd.get());
        // overlayfs doesn't ask whether its root is opaque: what the layers below have there is covered name by name.
        for (const std::string& name : lowers_.rootNames()) coverName("", name);
    }

    const UnpackOptions& options_;
    TarReader reader_;
    EntryMaker make_;
    LowerLayers lowers_;
    ParentCache parents_;
    PathSet seen_;
    std::int64_t total_ = 0;
};

}  // namespace

std::int64_t unpackLayer(ByteSource& tar, int root_fd, const UnpackOptions& options) {
    return Unpacker(tar, root_fd, options).run();
}

}  // namespace davit::archive
