// HostProcess: one driver in a supervised davit-plugin-host of its own. A crash costs the calls that were under way; the
// process is started again after a growing pause.
//
// The child holds one end of a socket pair whose other end only this process has: when this process ends in any way, the
// child sees the end of it and ends too.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "base/log.hpp"
#include "base/process.hpp"
#include "base/thread_annotations.hpp"
#include "plugin/driver_info.hpp"

namespace davit::plugin {

struct HostProcessOptions {
    std::filesystem::path host_binary;
    std::filesystem::path file;    ///< the .so
    std::filesystem::path socket;  ///< in a directory of mode 0700
    std::string driver;
    std::string config_json = "{}";
    std::function<void(log::Level, std::string_view)> log;
    std::filesystem::path state_directory{};  ///< empty: the host program's own choice
    std::chrono::milliseconds longest_pause{10000};  ///< that pauses between an end and the next start grow to
};

/// Any thread. The destructor stops the child (SIGTERM, two seconds, SIGKILL).
class HostProcess {
  public:
    /// Starts the supervising thread, which starts the child.
    explicit HostProcess(HostProcessOptions options);
    HostProcess(const HostProcess&) = delete;
    HostProcess& operator=(const HostProcess&) = delete;
    ~HostProcess();

    /// Returns once the driver is open and its socket listens. Throws the driver's own refusal, for good; Error{unavailable}
    /// with the reason of the last failure when `timeout` passes.
    /// Returns the process's id.
    pid_t waitReady(std::chrono::milliseconds timeout);
    /// After a call that broke: waits, at most `timeout`, until the process that served it is known to be gone, so that the
    /// next call goes to its successor. Returns at once when it is gone already.
    void awaitEndOf(pid_t pid, std::chrono::milliseconds timeout) const;
    [[nodiscard]] const std::filesystem::path& socket() const noexcept { return options_.socket; }
    /// available (starting), loaded, skipped, failed, dead (ended, waits to be started again).
    [[nodiscard]] DriverState state() const;
    [[nodiscard]] std::string reason() const;
    /// Of the running child; std::nullopt when none runs. For tests and messages.
    [[nodiscard]] std::optional<pid_t> pid() const;

  private:
    void supervise();
    /// One life of the child; how it ended.
    std::string runOnce(std::chrono::steady_clock::duration& lived);
    /// Reads the child's one line: "{}" or a refusal. False when it ended before saying anything.
    bool awaitGreeting(int control, const ChildProcess& child);
    [[nodiscard]] bool pause(std::chrono::milliseconds time);
    void set(DriverState state, std::string reason, std::optional<pid_t> pid = std::nullopt);
    void stopChild(ChildProcess& child) const;

    HostProcessOptions options_;
    UniqueFd stop_;  ///< an eventfd, readable once the destructor runs
    mutable Mutex mutex_;
    mutable Condition changed_;
    DriverState state_ DAVIT_GUARDED_BY(mutex_) = DriverState::available;
    std::string reason_ DAVIT_GUARDED_BY(mutex_);
    std::optional<Error> refusal_ DAVIT_GUARDED_BY(mutex_);
    std::optional<pid_t> pid_ DAVIT_GUARDED_BY(mutex_);
    std::thread thread_;
};

}  // namespace davit::plugin
