// Running a program to its end, with the deadline of the call: a thread of the daemon waits for it no longer than that.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/process.hpp"
#include "base/thread_annotations.hpp"

namespace davit::local {

/// Any thread. At its end it doesn't wait for a process that the kernel can't kill.
class Programs {
  public:
    Programs() = default;
    Programs(const Programs&) = delete;
    Programs& operator=(const Programs&) = delete;
    ~Programs();

    struct Outcome {
        ExitStatus status;
        std::string output;  ///< what it wrote to standard output
        std::string errors;  ///< and to standard error, no more than some lines
    };
    /// `input` is its standard input. When the call's time is over, or a minute, it is killed: Error{deadline}, or Error{cancelled}
    /// when the caller went away. Both begin with `doing`. It has at least the time `least`: what undoes something is needed most
    /// when there is none left.
    Outcome run(const std::vector<std::string>& command, std::string_view input, const std::string& doing,
                std::chrono::milliseconds least = {}) DAVIT_EXCLUDES(mutex_);
    /// A tool of the system's; throws Error{system} with what it said when it ends with more than `good`, Error{unimplemented} when
    /// it isn't installed.
    void tool(const std::string& name, std::vector<std::string> arguments, const std::string& doing, int good = 0) DAVIT_EXCLUDES(mutex_);

    /// Where a tool is; empty: not installed.
    [[nodiscard]] static std::string find(const std::string& tool);

  private:
    void end(ChildProcess child) DAVIT_EXCLUDES(mutex_);
    Mutex mutex_;
    std::vector<ChildProcess> stuck_ DAVIT_GUARDED_BY(mutex_);  ///< killed, but the kernel waits for something in them
};

}  // namespace davit::local
