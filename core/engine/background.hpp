// Background: work that no reply waits for. Two queues of one thread each:
//
//   events    what shims report; in order, at once
//   cleanup   removing layers, directories and control groups; low priority, and not while a container is being started
//             (docs/architecture.md, the run path) unless too much has piled up
//
// A task that throws is logged with its name. Threads: any. Destruction drops what is left of the clean-up: its intents are
// rows, the next start of the daemon does it.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/thread_annotations.hpp"

namespace davit::engine {

class TaskQueue {
  public:
    /// `may_run` is asked before each task and may wait; null: always.
    TaskQueue(std::string name, bool low_priority, std::function<void(std::size_t backlog)> may_run = {});
    TaskQueue(const TaskQueue&) = delete;
    TaskQueue& operator=(const TaskQueue&) = delete;
    /// stop().
    ~TaskQueue();

    void post(std::string what, std::function<void()> task) DAVIT_EXCLUDES(mutex_);
    /// Returns when everything posted so far is done, or at the deadline: false.
    bool drain(std::chrono::milliseconds timeout) DAVIT_EXCLUDES(mutex_);
    /// Ends the thread after the task under way. Idempotent.
    void stop() DAVIT_EXCLUDES(mutex_);

  private:
    struct Task {
        std::string what;
        std::function<void()> run;
    };
    void loop(bool low_priority);

    std::string name_;
    std::function<void(std::size_t)> may_run_;
    Mutex mutex_;
    Condition changed_;
    std::deque<Task> tasks_ DAVIT_GUARDED_BY(mutex_);
    bool working_ DAVIT_GUARDED_BY(mutex_) = false;
    bool stopping_ DAVIT_GUARDED_BY(mutex_) = false;
    std::thread thread_;
};

/// A queue of its own for each name: what waits in one doesn't delay the others. A thread each, while there is something to do.
class TaskLanes {
  public:
    TaskLanes() = default;
    TaskLanes(const TaskLanes&) = delete;
    TaskLanes& operator=(const TaskLanes&) = delete;
    ~TaskLanes() = default;

    void post(const std::string& lane, std::string what, std::function<void()> task) DAVIT_EXCLUDES(mutex_);
    /// Returns when everything posted so far is done, or at the deadline: false.
    bool drain(std::chrono::milliseconds timeout) DAVIT_EXCLUDES(mutex_);
    /// Ends the threads after their tasks under way.
    void stop() DAVIT_EXCLUDES(mutex_);

  private:
    [[nodiscard]] std::vector<std::shared_ptr<TaskQueue>> lanes() DAVIT_EXCLUDES(mutex_);
    Mutex mutex_;
    bool stopped_ DAVIT_GUARDED_BY(mutex_) = false;
    std::map<std::string, std::shared_ptr<TaskQueue>> lanes_ DAVIT_GUARDED_BY(mutex_);
};

/// Counts the starts that are under way, so that clean-up can keep out of their way.
class StartGate {
  public:
    class Pass {
      public:
        explicit Pass(StartGate& gate) : gate_(gate) { gate_.enter(); }
        Pass(const Pass&) = delete;
        Pass& operator=(const Pass&) = delete;
        ~Pass() { gate_.leave(); }

      private:
        StartGate& gate_;
    };
    /// Returns when nothing is being started, or after `at_most`.
    void waitQuiet(std::chrono::milliseconds at_most) DAVIT_EXCLUDES(mutex_);

  private:
    void enter() DAVIT_EXCLUDES(mutex_);
    void leave() DAVIT_EXCLUDES(mutex_);
    Mutex mutex_;
    Condition quiet_;
    int starts_ DAVIT_GUARDED_BY(mutex_) = 0;
};

}  // namespace davit::engine
