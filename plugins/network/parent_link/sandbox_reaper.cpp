#include "sandbox_reaper.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace davit::parent_link {
namespace {

using namespace std::chrono_literals;

// A sandbox that ends takes its links with it within this time, at nobody's expense.
constexpr auto kGrace = 200ms;

}  // namespace

SandboxReaper::~SandboxReaper() {
    std::thread thread;
    {
        const Lock lock(mutex_);
        stopping_ = true;
        thread.swap(thread_);
    }
    changed_.notify_all();
    if (thread.joinable()) thread.join();
}

void SandboxReaper::remove(SandboxLink link) {
    {
        const Lock lock(mutex_);
        doomed_.push_back({std::move(link), std::chrono::steady_clock::now() + kGrace});
        if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    }
    changed_.notify_all();
}

void SandboxReaper::flush() {
    const Lock lock(mutex_);
    flushLocked();
}

void SandboxReaper::flush(const std::string& alias) {
    const Lock lock(mutex_);
    const bool waiting = current_ == alias || std::any_of(doomed_.begin(), doomed_.end(), [&](const Doomed& one) { return one.link.alias == alias; });
    if (waiting) flushLocked();
}

void SandboxReaper::flushLocked() {
    if (doomed_.empty() && current_.empty()) return;
    hurry_ = true;
    changed_.notify_all();
    while (!doomed_.empty() || !current_.empty()) changed_.wait(mutex_);
    hurry_ = false;
}

void SandboxReaper::run() {
    mutex_.lock();
    for (;;) {
        if (doomed_.empty()) {
            if (stopping_) break;
            changed_.wait(mutex_);
            continue;
        }
        if (const auto due = doomed_.front().due; !stopping_ && !hurry_ && due > std::chrono::steady_clock::now()) {
            (void)changed_.wait_until(mutex_, due);
            continue;
        }
        const SandboxLink link = std::move(doomed_.front().link);
        doomed_.pop_front();
        current_ = link.alias;
        mutex_.unlock();
        try {
            detach(link);
        } catch (const std::exception& e) {  // a thread's entry
            log_(e.what());
        }
        mutex_.lock();
        current_.clear();
        changed_.notify_all();
    }
    mutex_.unlock();
}

}  // namespace davit::parent_link
