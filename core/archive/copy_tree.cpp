#include "archive/copy_tree.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <climits>

#include "archive/link_table.hpp"
#include "archive/parent_cache.hpp"
#include "archive/sparse.hpp"
#include "archive/xattr.hpp"
#include "base/check.hpp"
#include "base/file.hpp"
#include "base/in_root.hpp"
#include "base/tree_walker.hpp"

namespace davit::archive {
namespace {

UniqueFd openEntry(int dir_fd, const std::string& name, int flags) {
    return UniqueFd(check(::openat(dir_fd, name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC), "open {}", name));
}

// The kernel refuses to copy between these two files (file systems, versions): by hand.
void copyByHand(int from_fd, int to_fd, DataRange range) {
    std::string buffer(static_cast<std::size_t>(std::min<std::int64_t>(range.length, 1 << 18)), '\0');
    check(::lseek(to_fd, range.offset, SEEK_SET), "seek");
    while (range.length > 0) {
        const auto wanted = static_cast<std::size_t>(std::min<std::int64_t>(range.length, 1 << 18));
        const ssize_t got = check(::pread(from_fd, buffer.data(), wanted, range.offset), "read");
        if (got == 0) return;
        writeAll(to_fd, std::string_view(buffer).substr(0, static_cast<std::size_t>(got)));
        range.offset += got;
        range.length -= got;
    }
}

void copyRange(int from_fd, int to_fd, DataRange range) {
    while (range.length > 0) {
        loff_t in = range.offset;
        loff_t out = range.offset;
        const ssize_t done = ::copy_file_range(from_fd, &in, to_fd, &out, static_cast<std::size_t>(range.length), 0);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0 && errno == ENOSPC) throw Error::system("copy a file", errno);
        if (done <= 0) return copyByHand(from_fd, to_fd, range);
        range.offset += done;
        range.length -= done;
    }
}

void copyData(int from_fd, int to_fd, const struct stat& info) {
    if (info.st_size == 0 || ::ioctl(to_fd, FICLONE, from_fd) == 0) return;
    const auto ranges =
        looksSparse(info) ? dataRanges(from_fd, info.st_size) : std::vector<DataRange>{{0, info.st_size}};
    for (const DataRange& range : ranges) copyRange(from_fd, to_fd, range);
    check(::ftruncate(to_fd, info.st_size), "extend a copied file");
}

std::string readLink(int dir_fd, const std::string& name) {
    std::string target(PATH_MAX, '\0');
    const ssize_t size = check(::readlinkat(dir_fd, name.c_str(), target.data(), target.size()), "read link {}", name);
    target.resize(static_cast<std::size_t>(size));
    return target;
}

void copyFile(int from_dir_fd, const std::string& name, int to_dir_fd, CopyXattrs xattrs) {
    const UniqueFd from = openEntry(from_dir_fd, name, O_RDONLY | O_NONBLOCK);
    struct stat info {};
    check(::fstat(from.get(), &info), "stat {}", name);
    const int created = ::openat(to_dir_fd, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    const UniqueFd to(check(created, "create {}", name));
    copyData(from.get(), to.get(), info);
    copyMetadata(from.get(), to.get(), xattrs);
}

class TreeCopier {
  public:
    TreeCopier(int from_fd, int to_fd, CopyXattrs xattrs)
        : walker_(reopenDirectory(from_fd)), to_(reopenDirectory(to_fd)), root_fd_(to_fd), xattrs_(xattrs) {}

    void run() {
        while (const auto event = walker_.next()) {
            if (*event == TreeWalker::Event::leave)
                leave();
            else if (S_ISDIR(walker_.info().st_mode))
                enterDirectory();
            else
                entry();
        }
    }

  private:
    void enterDirectory() {
        check(::mkdirat(to_.fd(), walker_.name().c_str(), 0700), "create directory {}", walker_.path());
        if (!to_.descend(walker_.name())) throw error(Code::conflict, "copy {}: it vanished", walker_.path());
    }

    void leave() {
        copyMetadata(openEntry(walker_.dirFd(), walker_.name(), O_PATH).get(), to_.fd(), xattrs_);
        to_.ascend();
    }

    void entry() {
        const auto first = links_.first(walker_.info(), walker_.path());
        if (!first) return copyEntry(walker_.dirFd(), walker_.name(), to_.fd(), xattrs_);
        const UniqueFd parent = openInRoot(root_fd_, parentOf(*first), O_PATH | O_DIRECTORY);
        check(::linkat(parent.get(), nameOf(*first).c_str(), to_.fd(), walker_.name().c_str(), 0), "link {}",
              walker_.path());
    }

    TreeWalker walker_;
    DirStack to_;
    int root_fd_;
    CopyXattrs xattrs_;
    LinkTable links_;
};

}  // namespace

void copyMetadata(int from_fd, int to_fd, CopyXattrs xattrs) {
    struct stat info {};
    check(::fstatat(from_fd, "", &info, AT_EMPTY_PATH), "stat");
    check(::fchownat(to_fd, "", info.st_uid, info.st_gid, AT_EMPTY_PATH), "change owner");
    if (!S_ISLNK(info.st_mode))
        check(::chmod(fmt::format("/proc/self/fd/{}", to_fd).c_str(), info.st_mode & 07777U), "change mode");
    for (const auto& [name, value] : readXattrs(from_fd))
        if (xattrs == CopyXattrs::all || portableXattr(name)) (void)writeXattr(to_fd, name, value);
    const timespec times[2] = {info.st_atim, info.st_mtim};
    check(::utimensat(to_fd, "", times, AT_EMPTY_PATH), "set times");
}

void copyEntry(int from_dir_fd, const std::string& name, int to_dir_fd, CopyXattrs xattrs) {
    struct stat info {};
    check(::fstatat(from_dir_fd, name.c_str(), &info, AT_SYMLINK_NOFOLLOW), "stat {}", name);
    if (S_ISREG(info.st_mode)) return copyFile(from_dir_fd, name, to_dir_fd, xattrs);
    if (S_ISSOCK(info.st_mode)) return;
    if (S_ISLNK(info.st_mode))
        check(::symlinkat(readLink(from_dir_fd, name).c_str(), to_dir_fd, name.c_str()), "create link {}", name);
    else
        check(::mknodat(to_dir_fd, name.c_str(), info.st_mode, info.st_rdev), "create node {}", name);
    copyMetadata(openEntry(from_dir_fd, name, O_PATH).get(), openEntry(to_dir_fd, name, O_PATH).get(), xattrs);
}

void copyTree(int from_fd, int to_fd, CopyXattrs xattrs) {
    TreeCopier(from_fd, to_fd, xattrs).run();
    copyMetadata(from_fd, to_fd, xattrs);
}

}  // namespace davit::archive
