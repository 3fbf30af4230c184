#include "base/remove_tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/check.hpp"
#include "base/dir_stack.hpp"
#include "base/file.hpp"

namespace davit {
namespace {

using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;

/// Unwinds a removal that was asked to stop.
struct Stopped {};

Directory openForReading(int dir_fd) {
    UniqueFd copy = reopenDirectory(dir_fd);
    Directory dir(::fdopendir(copy.get()), ::closedir);
    if (!dir) throw Error::system("read directory", errno);
    (void)copy.release();  // closedir closes it
    return dir;
}

// Unlinks all but the directories, whose names it returns.
std::vector<std::string> unlinkFiles(int dir_fd, const std::stop_token& stop) {
    const Directory dir = openForReading(dir_fd);
    std::vector<std::string> directories;
    while (const dirent* entry = ::readdir(dir.get())) {
        const std::string_view name = entry->d_name;
        if (name == "." || name == "..") continue;
        if (stop.stop_requested()) throw Stopped();
        if (entry->d_type != DT_DIR && (::unlinkat(dir_fd, entry->d_name, 0) == 0 || errno == ENOENT)) continue;
        if (entry->d_type != DT_DIR && errno != EISDIR && errno != EPERM)
            throw Error::system(fmt::format("remove {}", name), errno);
        directories.emplace_back(name);
    }
    return directories;
}

struct Removal {
    std::string name;                      // of the directory in its parent
    std::vector<std::string> directories;  // still in it
};

// The directory at the top of the stack is empty of all that could be removed: drops it from its parent.
void dropDirectory(DirStack& stack, std::vector<Removal>& way) {
    stack.ascend();
    if (::unlinkat(stack.fd(), way.back().name.c_str(), AT_REMOVEDIR) < 0 && errno != ENOENT)
        throw Error::system(fmt::format("remove directory {}", way.back().name), errno);
    way.pop_back();
}

void removeDirectory(int dir_fd, const std::string& top, const std::stop_token& stop) {
    DirStack stack(reopenDirectory(dir_fd));
    std::vector<Removal> way;
    std::optional<dev_t> device;
    const auto enter = [&](const std::string& name) {
        if (!stack.descend(name)) return;
        if (!device) device = stack.device();
        // btrfs subvolumes have a device of their own but no mount; rmdir of a real mount point says EBUSY.
        const bool same = stack.device() == *device;
        way.push_back({name, same ? unlinkFiles(stack.fd(), stop) : std::vector<std::string>()});
    };
    enter(top);
    while (!way.empty()) {
        if (way.back().directories.empty()) {
            dropDirectory(stack, way);
            continue;
        }
        const std::string name = std::move(way.back().directories.back());
        way.back().directories.pop_back();
        enter(name);
    }
}

void removeName(int dir_fd, const std::string& name, const std::stop_token& stop) {
    if (::unlinkat(dir_fd, name.c_str(), 0) == 0 || errno == ENOENT) return;
    if (errno != EISDIR && errno != EPERM) throw Error::system(fmt::format("remove {}", name), errno);
    struct stat info {};
    const int cause = errno;
    check(::fstatat(dir_fd, name.c_str(), &info, AT_SYMLINK_NOFOLLOW), "stat {}", name);
    if (!S_ISDIR(info.st_mode)) throw Error::system(fmt::format("remove {}", name), cause);
    removeDirectory(dir_fd, name, stop);
}

void removePath(const std::filesystem::path& path, const std::stop_token& stop) {
    const auto parent = path.parent_path();
    const UniqueFd dir(::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!dir && errno == ENOENT) return;
    check(dir.get(), "open {}", parent.string());
    removeName(dir.get(), path.filename().string(), stop);
}

}  // namespace

void removeTreeAt(int dir_fd, const std::string& name) { removeName(dir_fd, name, {}); }

void removeTree(const std::filesystem::path& path) { removePath(path, {}); }

bool removeTree(const std::filesystem::path& path, const std::stop_token& stop) {
    try {
        removePath(path, stop);
        return true;
    } catch (const Stopped&) {
        return false;
    }
}

}  // namespace davit
