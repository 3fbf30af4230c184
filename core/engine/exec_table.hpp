// ExecTable: the execs that were created and not yet forgotten. In memory only, as in dockerd: a restart forgets them, while
// their processes go on. A finished exec stays for five minutes so that its exit code can be asked for. Threads: any.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/thread_annotations.hpp"
#include "engine/exec_service.hpp"

namespace davit::engine {

class ExecTable {
  public:
    /// Error{not_found} "No such exec instance: x".
    [[nodiscard]] Exec get(const std::string& id) const DAVIT_EXCLUDES(mutex_);
    void add(Exec exec) DAVIT_EXCLUDES(mutex_);
    /// Claims it for a start; throws Error{conflict} when it was started before.
    [[nodiscard]] Exec claim(const std::string& id) DAVIT_EXCLUDES(mutex_);
    void started(const std::string& id, int pid) DAVIT_EXCLUDES(mutex_);
    /// False: that was known, or it wasn't started at all.
    bool ended(const std::string& id, int code) DAVIT_EXCLUDES(mutex_);
    /// Waits while it is being started, at most until `deadline`. One that nobody starts isn't waited for.
    void waitStarted(const std::string& id, SteadyTime deadline) DAVIT_EXCLUDES(mutex_);
    /// Waits until it has ended, at most until `deadline`.
    void waitEnded(const std::string& id, SteadyTime deadline) DAVIT_EXCLUDES(mutex_);
    /// The container's run is over: what still ran was killed with it. Returns which.
    std::vector<std::string> endAll(const std::string& container_id) DAVIT_EXCLUDES(mutex_);
    void forget(const std::string& container_id) DAVIT_EXCLUDES(mutex_);

  private:
    struct Record {
        Exec exec;
        bool claimed = false;
        SteadyTime ended_at{};
    };
    void expire() DAVIT_REQUIRES(mutex_);
    static void end(Record& record, int code);
    template <class Predicate>
    void waitWhile(const std::string& id, SteadyTime deadline, const Predicate& predicate) DAVIT_EXCLUDES(mutex_);
    mutable Mutex mutex_;
    Condition changed_;
    std::map<std::string, Record> records_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::engine
