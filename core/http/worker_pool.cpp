#include "http/worker_pool.hpp"

#include <system_error>
#include <thread>

namespace davit::http {
namespace {
constexpr std::chrono::seconds kIdleLife{30};
}

WorkerPool::~WorkerPool() { join(); }

void WorkerPool::run(std::function<void()> task) {
    if (enqueue(std::move(task))) work_.notify_one();  // without the lock, which the one that wakes wants at once
}

bool WorkerPool::enqueue(std::function<void()> task) {
    const Lock lock(mutex_);
    if (closed_) return false;
    tasks_.push_back(std::move(task));
    if (idle_ >= tasks_.size() || threads_ >= max_threads_) return true;
    try {
        std::thread([this] { work(); }).detach();
        ++threads_;
    } catch (const std::system_error&) {
        // No thread to be had (EAGAIN): the ones that run take the task. With none at all there is nobody to serve.
        if (threads_ == 0) throw;
    }
    return false;
}

void WorkerPool::work() {
    std::function<void()> task;
    while (true) {
        {
            const Lock lock(mutex_);
            ++idle_;
            changed_.notify_all();
            const auto until = std::chrono::steady_clock::now() + kIdleLife;
            while (tasks_.empty() && !closed_)
                if (work_.wait_until(mutex_, until) == std::cv_status::timeout) break;
            --idle_;
            if (tasks_.empty()) {
                --threads_;
                changed_.notify_all();
                return;  // the last touch of this object was under the lock
            }
            task = std::move(tasks_.front());
            tasks_.pop_front();
        }
        task();
        task = nullptr;
    }
}

bool WorkerPool::hasRoom() {
    const Lock lock(mutex_);
    return !closed_ && tasks_.empty() && (idle_ > 0 || threads_ < max_threads_);
}

bool WorkerPool::waitIdle(std::chrono::milliseconds limit) {
    const auto until = std::chrono::steady_clock::now() + limit;
    const Lock lock(mutex_);
    while (idle_ < threads_ || !tasks_.empty())
        if (changed_.wait_until(mutex_, until) == std::cv_status::timeout) return idle_ == threads_ && tasks_.empty();
    return true;
}

void WorkerPool::join() {
    const Lock lock(mutex_);
    closed_ = true;
    tasks_.clear();
    work_.notify_all();
    while (threads_ > 0) changed_.wait(mutex_);
}

}  // namespace davit::http
