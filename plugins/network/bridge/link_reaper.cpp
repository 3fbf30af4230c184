#include "link_reaper.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "endpoint_link.hpp"

namespace davit::bridge {
namespace {

using namespace std::chrono_literals;

// A sandbox that ends takes its links with it within this time, all at once and at nobody's expense.
constexpr auto kGrace = 200ms;

}  // namespace

LinkReaper::~LinkReaper() {
    std::thread thread;
    {
        const Lock lock(mutex_);
        stopping_ = true;
        thread.swap(thread_);
    }
    changed_.notify_all();
    if (thread.joinable()) thread.join();
}

void LinkReaper::remove(const std::string& link) {
    {
        const Lock lock(mutex_);
        doomed_.push_back({link, std::chrono::steady_clock::now() + kGrace});
        if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    }
    changed_.notify_all();
}

void LinkReaper::keep(const std::string& link) {
    const Lock lock(mutex_);
    std::erase_if(doomed_, [&link](const Doomed& one) { return one.link == link; });
    while (std::find(current_.begin(), current_.end(), link) != current_.end()) changed_.wait(mutex_);
}

void LinkReaper::run() {
    mutex_.lock();
    for (;;) {
        if (doomed_.empty()) {
            if (stopping_) break;
            changed_.wait(mutex_);
            continue;
        }
        if (const auto due = doomed_.front().due; !stopping_ && due > std::chrono::steady_clock::now()) {
            (void)changed_.wait_until(mutex_, due);
            continue;
        }
        // Those that aren't due for a moment come along: removing many takes the time of one.
        for (const Doomed& one : doomed_) current_.push_back(one.link);
        doomed_.clear();
        mutex_.unlock();
        detachQuietly();
        mutex_.lock();
        current_.clear();
        changed_.notify_all();
    }
    mutex_.unlock();
}

void LinkReaper::detachQuietly() {
    try {
        detachAll(current_);
    } catch (const std::exception& e) {  // a thread's entry
        log_(e.what());
    }
}

}  // namespace davit::bridge
