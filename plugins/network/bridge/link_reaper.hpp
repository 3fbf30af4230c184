// LinkReaper: removes links in the background. The kernel waits for every CPU when a link goes, and nobody else has to; most links
// are gone with their sandbox before their turn comes.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/thread_annotations.hpp"

namespace davit::bridge {

/// Any thread. The destructor removes at once what is left. Starts its thread with the first link.
class LinkReaper {
  public:
    /// `log` gets what failed; any thread.
    explicit LinkReaper(std::function<void(const std::string&)> log) : log_(std::move(log)) {}
    LinkReaper(const LinkReaper&) = delete;
    LinkReaper& operator=(const LinkReaper&) = delete;
    ~LinkReaper();

    void remove(const std::string& link) DAVIT_EXCLUDES(mutex_);
    /// Takes a link back whose name is used again; what removes it right now is waited for.
    void keep(const std::string& link) DAVIT_EXCLUDES(mutex_);

  private:
    struct Doomed {
        std::string link;
        std::chrono::steady_clock::time_point due;
    };
    void run() DAVIT_EXCLUDES(mutex_);
    void detachQuietly();

    const std::function<void(const std::string&)> log_;
    Mutex mutex_;
    Condition changed_;
    std::deque<Doomed> doomed_ DAVIT_GUARDED_BY(mutex_);
    std::vector<std::string> current_;  ///< being removed; written under mutex_ by the thread, which alone reads it without
    bool stopping_ DAVIT_GUARDED_BY(mutex_) = false;
    std::thread thread_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::bridge
