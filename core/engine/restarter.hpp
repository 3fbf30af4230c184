// Restarter: starts containers again when their time has come. One thread, which starts them one after another. Threads: any.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <thread>

#include "base/clock.hpp"
#include "base/thread_annotations.hpp"

namespace davit::engine {

class Restarter {
  public:
    Restarter();
    Restarter(const Restarter&) = delete;
    Restarter& operator=(const Restarter&) = delete;
    /// stop().
    ~Restarter();

    /// Until then what is scheduled waits.
    void begin() DAVIT_EXCLUDES(mutex_);
    /// `start` runs at `moment`, unless stop() comes first; what it throws is logged with `what`. Whether it still makes sense
    /// is for `start` to know.
    void schedule(SteadyTime moment, std::string what, std::function<void()> start) DAVIT_EXCLUDES(mutex_);
    /// Starts nothing any more; ends the thread after the start under way. Idempotent.
    void stop() DAVIT_EXCLUDES(mutex_);

  private:
    struct Task {
        std::string what;
        std::function<void()> start;
    };
    void loop() DAVIT_EXCLUDES(mutex_);

    Mutex mutex_;
    Condition changed_;
    std::multimap<SteadyTime, Task> tasks_ DAVIT_GUARDED_BY(mutex_);
    bool begun_ DAVIT_GUARDED_BY(mutex_) = false;
    bool stopping_ DAVIT_GUARDED_BY(mutex_) = false;
    std::thread thread_;
};

}  // namespace davit::engine
