// Trash: a directory whose entries are deleted in the background: an image may hold 50,000 files, and neither who removes it
// nor who ends the daemon waits for them.
//
// What stands in the directory is the record of what is to be deleted. So a deletion that is cut off, by a kill or by the
// end of the Trash, goes on with the next Trash on that directory.
//
// Threads: any; a thread of its own with low priority deletes, one entry after the other.
#pragma once

#include <chrono>
#include <deque>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <thread>

#include "base/thread_annotations.hpp"

namespace davit::archive {

class Trash {
  public:
    /// Deletes what stands at `path`; may leave the rest when asked to stop. Called on the trash's thread. What it throws
    /// leaves the entry to the next Trash.
    using Dispose = std::function<void(const std::filesystem::path& path, const std::stop_token& stop)>;

    /// Creates the directory where it is missing and goes on with what stands in it.
    Trash(std::filesystem::path directory, Dispose dispose);
    /// Asks dispose to stop and waits for that.
    ~Trash();
    Trash(const Trash&) = delete;
    Trash& operator=(const Trash&) = delete;

    /// Moves `path`, which must be on the same file system, here by one rename. False: it wasn't there. Where space is short
    /// the caller waits a little for the deletion, because it is what the next step will need.
    bool take(const std::filesystem::path& path) DAVIT_EXCLUDES(mutex_);
    /// Waits until all is deleted that could be, or for the time: false.
    bool settle(std::chrono::milliseconds timeout) DAVIT_EXCLUDES(mutex_);

  private:
    void post(std::string name) DAVIT_EXCLUDES(mutex_);
    void loop(const std::stop_token& stop) DAVIT_EXCLUDES(mutex_);

    std::filesystem::path directory_;
    Dispose dispose_;
    Mutex mutex_;
    Condition changed_;
    std::deque<std::string> names_ DAVIT_GUARDED_BY(mutex_);  ///< the first one is under way
    std::jthread thread_ DAVIT_GUARDED_BY(mutex_);            ///< made for the first entry
};

}  // namespace davit::archive
