// WorkerPool: threads that run tasks, as many as there is work for, up to a bound. Internal to core/http.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>

#include "base/thread_annotations.hpp"

namespace davit::http {

/// Tasks run in the order of run(), each on some thread. A thread without work for thirty seconds ends.
class WorkerPool {
  public:
    explicit WorkerPool(std::size_t max_threads) : max_threads_(max_threads) {}
    /// join().
    ~WorkerPool();
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;

    /// Any thread. A task must not throw; after join() it is dropped.
    void run(std::function<void()> task);
    /// Whether one more task would find a thread at once. Any thread.
    [[nodiscard]] bool hasRoom();
    /// Waits until no task runs or waits; false when `limit` passes first.
    bool waitIdle(std::chrono::milliseconds limit);
    /// Drops waiting tasks and waits for the running ones. Not from a task.
    void join();

  private:
    /// True: one of the threads that wait is to be woken for it.
    [[nodiscard]] bool enqueue(std::function<void()> task);
    void work();

    const std::size_t max_threads_;
    Mutex mutex_;
    Condition work_;     // tasks_ or closed_ changed
    Condition changed_;  // idle_, threads_ changed
    std::deque<std::function<void()>> tasks_ DAVIT_GUARDED_BY(mutex_);
    std::size_t threads_ DAVIT_GUARDED_BY(mutex_) = 0;
    std::size_t idle_ DAVIT_GUARDED_BY(mutex_) = 0;
    bool closed_ DAVIT_GUARDED_BY(mutex_) = false;
};

}  // namespace davit::http
