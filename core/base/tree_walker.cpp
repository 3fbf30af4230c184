#include "base/tree_walker.hpp"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string_view>

#include "base/check.hpp"

namespace davit {

std::vector<std::string> directoryNames(int dir_fd) {
    UniqueFd copy = reopenDirectory(dir_fd);
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(copy.get()), ::closedir);
    if (!dir) throw Error::system("read directory", errno);
    (void)copy.release();  // closedir closes it
    std::vector<std::string> names;
    for (;;) {
        errno = 0;
        const dirent* entry = ::readdir(dir.get());
        if (entry == nullptr) break;
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") names.emplace_back(name);
    }
    if (errno != 0) throw Error::system("read directory", errno);
    return names;
}

TreeWalker::TreeWalker(UniqueFd root) : stack_(std::move(root)) { openLevel(); }

void TreeWalker::openLevel() {
    Level level{.names = directoryNames(stack_.fd()), .info = info_, .name = name_};
    std::sort(level.names.begin(), level.names.end(), std::greater<>());
    levels_.push_back(std::move(level));
}

bool TreeWalker::show(std::string name) {
    name_ = std::move(name);
    if (::fstatat(stack_.fd(), name_.c_str(), &info_, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno == ENOENT) return false;
        throw Error::system("stat " + name_, errno);
    }
    if (!path_.empty()) path_ += '/';
    path_ += name_;
    shown_ = true;
    descend_ = S_ISDIR(info_.st_mode);
    return true;
}

TreeWalker::Event TreeWalker::leaveLevel() {
    name_ = std::move(levels_.back().name);
    info_ = levels_.back().info;
    levels_.pop_back();
    stack_.ascend();
    shown_ = true;
    descend_ = false;
    return Event::leave;
}

std::optional<TreeWalker::Event> TreeWalker::next() {
    if (descend_) {
        descend_ = false;
        if (!stack_.descend(name_)) return Event::leave;
        openLevel();
        shown_ = false;
    }
    if (shown_) {
        path_.resize(path_.size() - name_.size());
        if (!path_.empty()) path_.pop_back();
        shown_ = false;
    }
    while (!levels_.back().names.empty()) {
        std::string name = std::move(levels_.back().names.back());
        levels_.back().names.pop_back();
        if (show(std::move(name))) return Event::enter;
    }
    if (levels_.size() == 1) return std::nullopt;
    return leaveLevel();
}

}  // namespace davit
