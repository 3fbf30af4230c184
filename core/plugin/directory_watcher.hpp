// DirectoryWatcher: says that something changed in a set of directories, among them ones that don't exist yet.
//
// Uses inotify: on each directory and its sub-directories, and on the nearest existing ancestor of a missing one. A burst of
// changes is one notice. The callback runs on the watcher's own thread.
#pragma once

#include <filesystem>
#include <functional>
#include <set>
#include <thread>
#include <vector>

#include "base/unique_fd.hpp"

namespace davit::plugin {

class DirectoryWatcher {
  public:
    /// Watches from now on. `changed` must not throw and may not destroy the watcher. Throws Error::system.
    DirectoryWatcher(std::vector<std::filesystem::path> directories, std::function<void()> changed);
    DirectoryWatcher(const DirectoryWatcher&) = delete;
    DirectoryWatcher& operator=(const DirectoryWatcher&) = delete;
    /// Waits for a callback that is under way.
    ~DirectoryWatcher();

  private:
    void watchAll();
    void run();
    /// Reads away what has happened; false when nothing had.
    bool drain() const;

    std::vector<std::filesystem::path> directories_;
    std::function<void()> changed_;
    UniqueFd inotify_;
    UniqueFd stop_;
    std::thread thread_;
};

}  // namespace davit::plugin
