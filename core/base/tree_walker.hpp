// TreeWalker: every entry of a tree, sorted by name within each directory, parents before children.
//
//     TreeWalker walker(openFile(path, O_RDONLY | O_DIRECTORY));
//     while (const auto event = walker.next())
//         if (*event == TreeWalker::Event::enter) use(walker.dirFd(), walker.name(), walker.info());
//
// Links aren't followed. Memory: the names of the directories on the way down. Depth is bounded as little as
// DirStack's. Entries that vanish meanwhile are left out; a directory that vanishes after its enter shows no content.
// One thread.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>
#include <vector>

#include "base/dir_stack.hpp"

namespace davit {

class TreeWalker {
  public:
    enum class Event {
        enter,  ///< an entry of any type; a directory's content follows unless skip() is called
        leave,  ///< all of a directory's content has been shown: dirFd() is its parent again. One for each enter
                ///< without skip()
    };

    /// Takes the root: a directory opened for reading, itself not shown.
    explicit TreeWalker(UniqueFd root);

    /// The next event; std::nullopt at the end.
    std::optional<Event> next();
    /// After the enter of a directory: not into it, and no leave.
    void skip() noexcept { descend_ = false; }

    /// Where the entry stands, until the next call.
    [[nodiscard]] int dirFd() const noexcept { return stack_.fd(); }
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    /// From the root, "a/b/c"; may be longer than PATH_MAX.
    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    /// lstat of the entry, taken before the enter event (also at leave).
    [[nodiscard]] const struct stat& info() const noexcept { return info_; }

  private:
    struct Level {
        std::vector<std::string> names;  // still to come, the next one last
        struct stat info;                // of the directory itself
        std::string name;
    };
    void openLevel();
    bool show(std::string name);
    Event leaveLevel();

    DirStack stack_;
    std::vector<Level> levels_;
    std::string path_;
    std::string name_;
    struct stat info_ {};
    bool descend_ = false;
    bool shown_ = false;  // path_ ends with the name of the entry shown last
};

/// The names in a directory except "." and "..", in no order; the descriptor's own offset isn't used.
[[nodiscard]] std::vector<std::string> directoryNames(int dir_fd);

}  // namespace davit
