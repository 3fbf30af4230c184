// LinkReaper: removes links a moment later and in the background. The kernel waits for every CPU when a link goes, and nobody else has
// to; most links are gone with their sandbox before their turn comes, at nobody's expense.
//
// What a link is and how it is removed its user says. Threads: any; the reaper's own, which the first link starts, removes and logs.
#pragma once

#include <algorithm>
#include <chrono>
#include <deque>
#include <exception>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/thread_annotations.hpp"

namespace davit {

template <class Link>
class LinkReaper {
  public:
    struct Options {
        void (*remove)(const std::vector<Link>& links);  ///< what it throws is logged, and not tried again
        bool together = false;                           ///< many take the time of one: those that aren't due for a moment come along
        std::function<void(const std::string&)> log;
    };
    explicit LinkReaper(Options options) : options_(std::move(options)) {}
    LinkReaper(const LinkReaper&) = delete;
    LinkReaper& operator=(const LinkReaper&) = delete;
    /// Removes at once what is left.
    ~LinkReaper();

    void remove(Link link) DAVIT_EXCLUDES(mutex_);
    /// Removes now what is waiting, and returns when it is gone.
    void flush() DAVIT_EXCLUDES(mutex_) {
        flush([](const Link&) { return true; });
    }
    /// The same for links that are `meant`, which is asked under a lock. Nothing happens when none is waiting.
    template <class Meant>
    void flush(const Meant& meant) DAVIT_EXCLUDES(mutex_);

  private:
    using Clock = std::chrono::steady_clock;
    struct Doomed {
        Link link;
        Clock::time_point due;
    };
    /// A sandbox that ends takes its links with it within this time.
    static constexpr std::chrono::milliseconds kGrace{200};

    template <class Meant>
    [[nodiscard]] bool waiting(const Meant& meant) const DAVIT_REQUIRES(mutex_);
    void run() DAVIT_EXCLUDES(mutex_);
    /// Waits for what is due; nothing: the end.
    [[nodiscard]] std::vector<Link> next() DAVIT_REQUIRES(mutex_);
    void removeQuietly(const std::vector<Link>& links) const;

    const Options options_;
    Mutex mutex_;
    Condition changed_;
    std::deque<Doomed> doomed_ DAVIT_GUARDED_BY(mutex_);
    std::vector<Link> current_ DAVIT_GUARDED_BY(mutex_);  ///< being removed
    int flushing_ DAVIT_GUARDED_BY(mutex_) = 0;           ///< how many wait in flush()
    bool stopping_ DAVIT_GUARDED_BY(mutex_) = false;
    std::thread thread_ DAVIT_GUARDED_BY(mutex_);
};

template <class Link>
LinkReaper<Link>::~LinkReaper() {
    std::thread thread;
    {
        const Lock lock(mutex_);
        stopping_ = true;
        thread.swap(thread_);
    }
    changed_.notify_all();
    if (thread.joinable()) thread.join();
}

template <class Link>
void LinkReaper<Link>::remove(Link link) {
    {
        const Lock lock(mutex_);
        doomed_.push_back({std::move(link), Clock::now() + kGrace});
        if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    }
    changed_.notify_all();
}

template <class Link>
template <class Meant>
void LinkReaper<Link>::flush(const Meant& meant) {
    const Lock lock(mutex_);
    if (!waiting(meant)) return;
    ++flushing_;
    changed_.notify_all();
    while (waiting(meant)) changed_.wait(mutex_);
    --flushing_;
}

template <class Link>
template <class Meant>
bool LinkReaper<Link>::waiting(const Meant& meant) const {
    return std::any_of(current_.begin(), current_.end(), meant) ||
           std::any_of(doomed_.begin(), doomed_.end(), [&meant](const Doomed& one) { return meant(one.link); });
}

template <class Link>
void LinkReaper<Link>::run() {
    mutex_.lock();
    for (std::vector<Link> links = next(); !links.empty(); links = next()) {
        current_ = links;
        mutex_.unlock();
        removeQuietly(links);
        mutex_.lock();
        current_.clear();
        changed_.notify_all();
    }
    mutex_.unlock();
}

template <class Link>
std::vector<Link> LinkReaper<Link>::next() {
    for (;;) {
        if (doomed_.empty()) {
            if (stopping_) return {};
            changed_.wait(mutex_);
            continue;
        }
        const Clock::time_point due = doomed_.front().due;
        if (stopping_ || flushing_ > 0 || due <= Clock::now()) break;
        (void)changed_.wait_until(mutex_, due);
    }
    std::vector<Link> links;
    do {
        links.push_back(std::move(doomed_.front().link));
        doomed_.pop_front();
    } while (options_.together && !doomed_.empty());
    return links;
}

template <class Link>
void LinkReaper<Link>::removeQuietly(const std::vector<Link>& links) const {
    try {
        options_.remove(links);
    } catch (const std::exception& e) {  // a thread's entry
        options_.log(e.what());
    }
}

}  // namespace davit
