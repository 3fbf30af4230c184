#include "base/dir_stack.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/check.hpp"

namespace davit {
namespace {

constexpr std::size_t kOpenLevels = 32;

}  // namespace

UniqueFd reopenDirectory(int dir_fd) {
    return UniqueFd(check(::openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "reopen directory"));
}

DirStack::Level DirStack::levelOf(UniqueFd fd) {
    struct stat info {};
    check(::fstat(fd.get(), &info), "stat directory");
    if (!S_ISDIR(info.st_mode)) throw Error::system("walk a tree", ENOTDIR);
    return {std::move(fd), info.st_dev, info.st_ino};
}

DirStack::DirStack(UniqueFd root) { levels_.push_back(levelOf(std::move(root))); }

bool DirStack::descend(const std::string& name) {
    UniqueFd child(::openat(fd(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!child && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)) return false;
    check(child.get(), "open directory {}", name);
    levels_.push_back(levelOf(std::move(child)));
    if (levels_.size() > kOpenLevels + 1) levels_[levels_.size() - 2].fd.reset();
    return true;
}

void DirStack::ascend() {
    if (depth() == 0) throw Error(Code::system, "walk a tree: left its root");
    Level& parent = levels_[levels_.size() - 2];
    if (!parent.fd) {
        Level found = levelOf(UniqueFd(check(::openat(fd(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open parent")));
        if (found.device != parent.device || found.inode != parent.inode)
            throw Error(Code::conflict, "walk a tree: a directory was moved meanwhile");
        parent.fd = std::move(found.fd);
    }
    levels_.pop_back();
}

}  // namespace davit
