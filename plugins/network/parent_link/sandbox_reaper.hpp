// SandboxReaper: removes links from sandboxes in the background. Most sandboxes are gone, and their links with them, before their
// turn comes; removing a link waits for every CPU.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <string>
#include <thread>

#include "base/thread_annotations.hpp"
#include "sandbox_link.hpp"

namespace davit::parent_link {

/// Any thread. The destructor removes at once what is left. Starts its thread with the first link.
class SandboxReaper {
  public:
    /// `log` gets what failed; any thread.
    explicit SandboxReaper(std::function<void(const std::string&)> log) : log_(std::move(log)) {}
    SandboxReaper(const SandboxReaper&) = delete;
    SandboxReaper& operator=(const SandboxReaper&) = delete;
    ~SandboxReaper();

    void remove(SandboxLink link) DAVIT_EXCLUDES(mutex_);
    /// Removes now what is waiting, and returns when it is gone.
    void flush() DAVIT_EXCLUDES(mutex_);
    /// The same if a link of that alias is waiting.
    void flush(const std::string& alias) DAVIT_EXCLUDES(mutex_);

  private:
    struct Doomed {
        SandboxLink link;
        std::chrono::steady_clock::time_point due;
    };
    void run() DAVIT_EXCLUDES(mutex_);
    void flushLocked() DAVIT_REQUIRES(mutex_);

    const std::function<void(const std::string&)> log_;
    Mutex mutex_;
    Condition changed_;
    std::deque<Doomed> doomed_ DAVIT_GUARDED_BY(mutex_);
    std::string current_ DAVIT_GUARDED_BY(mutex_);  ///< the alias of what is being removed
    bool hurry_ DAVIT_GUARDED_BY(mutex_) = false;
    bool stopping_ DAVIT_GUARDED_BY(mutex_) = false;
    std::thread thread_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::parent_link
