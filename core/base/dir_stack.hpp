// DirStack: a way down a directory tree by descriptor that may be any number of levels deep.
//
// Only the upper levels keep a descriptor each; below them ".." leads back, and what is found there must be the same
// directory as before. So neither the descriptor limit nor PATH_MAX nor the call stack bounds the depth, and a tree
// that is moved about meanwhile gives an error, never a walk outside. One thread.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"

namespace davit {

class DirStack {
  public:
    /// Takes the root: a directory opened for reading. Throws Error when it isn't one.
    explicit DirStack(UniqueFd root);

    /// The directory that the stack is at.
    [[nodiscard]] int fd() const noexcept { return levels_.back().fd.get(); }
    /// 0 at the root.
    [[nodiscard]] std::size_t depth() const noexcept { return levels_.size() - 1; }
    /// The device that the current directory is on.
    [[nodiscard]] dev_t device() const noexcept { return levels_.back().device; }

    /// Goes into a child, never through a link. False when there is no directory of that name (any more).
    bool descend(const std::string& name);
    /// Back to the parent. Throws Error{conflict} when the directory was moved. At the root a programming error.
    void ascend();

  private:
    struct Level {
        UniqueFd fd;  // empty: reopened by ascend()
        dev_t device;
        ino_t inode;
    };
    static Level levelOf(UniqueFd fd);
    std::vector<Level> levels_;
};

/// A second descriptor of a directory, opened for reading and with an offset of its own. `dir_fd` may be O_PATH.
[[nodiscard]] UniqueFd reopenDirectory(int dir_fd);

}  // namespace davit
