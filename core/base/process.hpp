// Child processes: started without fork's page-table copy, known by pidfd so that a reused pid is never signalled.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"

namespace davit {

/// How a process ended: exactly one of the two is meaningful.
struct ExitStatus {
    int code = 0;    ///< exit code when signal is 0
    int signal = 0;  ///< the signal that ended it, or 0
    /// Docker's single number: the code, or 128 + signal.
    [[nodiscard]] int dockerCode() const noexcept { return signal != 0 ? 128 + signal : code; }
};

/// What to start. Descriptors above 2 are closed in the child except those in `inherit`.
struct SpawnOptions {
    std::string program;            ///< absolute path
    std::vector<std::string> args;  ///< argv, with argv[0]
    std::vector<std::string> env;   ///< the whole environment, NAME=value
    int stdin_fd = -1;              ///< -1: /dev/null
    int stdout_fd = -1;             ///< -1: /dev/null
    int stderr_fd = -1;             ///< -1: the caller's
    std::vector<int> inherit;       ///< become descriptors 3, 4, … in this order
    bool new_session = false;       ///< setsid()
};

/// A child of this process. Destroying a running one kills and reaps it; `release()` lets it go on.
class ChildProcess {
  public:
    /// Starts it in the manner of vfork (the caller's size doesn't matter). Throws Error::system with the errno of exec.
    [[nodiscard]] static ChildProcess spawn(const SpawnOptions& options);

    ChildProcess(ChildProcess&&) noexcept;
    ChildProcess& operator=(ChildProcess&&) noexcept;
    ~ChildProcess();

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    /// Readable when the process has ended.
    [[nodiscard]] int pidfd() const noexcept { return pidfd_.get(); }
    /// Waits and reaps; std::nullopt when `timeout` passes first. A second call returns the same status.
    std::optional<ExitStatus> wait(std::optional<std::chrono::milliseconds> timeout = std::nullopt);
    /// False when it has ended already.
    bool signal(int number) noexcept;
    /// Lets the process live on unwatched.
    void release() noexcept;

  private:
    ChildProcess(pid_t pid, UniqueFd pidfd) noexcept : pid_(pid), pidfd_(std::move(pidfd)) {}
    pid_t pid_ = -1;
    UniqueFd pidfd_;
    std::optional<ExitStatus> status_;
};

}  // namespace davit
