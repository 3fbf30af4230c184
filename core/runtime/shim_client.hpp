// The daemon's side of the shim: starts one per container, finds running ones again, asks them for things.
//
//     ShimMonitor monitor;                                     // one per daemon, before any Shim
//     auto shim = Shim::start(monitor, std::move(request));    // the program runs when this returns
//     shim->attach(...); shim->kill(SIGTERM);                  // events arrive on the monitor's thread
//
// A Shim object is a connection, not the container: dropping it leaves shim and container running. All methods may be
// called from any thread; each has a deadline of ten seconds and throws Error{unavailable} when the shim is gone.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/unique_fd.hpp"
#include "driver/storage_driver.hpp"
#include "oci/runtime_spec.hpp"

namespace davit::runtime {

struct ExitInfo {
    int code = 0;      ///< Docker's: exit code or 128 + signal
    bool oom = false;  ///< a process of the container was killed for lack of memory
    SystemTime finished_at{};
};

/// The program couldn't be started. `exitCode()` is what Docker records: 127 not found, 126 not executable, else 128.
class StartError : public Error {
  public:
    StartError(Code code, std::string text, int exit_code) : Error(code, std::move(text)), exit_code_(exit_code) {}
    [[nodiscard]] int exitCode() const noexcept { return exit_code_; }

  private:
    int exit_code_;
};

/// Called on the monitor's thread, one at a time, without any lock held: short work only, and no call of a Shim's methods,
/// whose answers this thread reads. A callback under way may end after the Shim's destruction.
struct ShimEvents {
    std::function<void(const ExitInfo&)>
        exited;  ///< once, the last event; also when the shim itself was killed (code 137)
    std::function<void()> oom;
    std::function<void(const std::string& exec_id, int code)> exec_exited;
    std::function<void(const std::string& exec_id)> detached;  ///< by detach keys; empty id: the container itself
};

/// Which streams a client gets. The bytes on the socket are Docker's: 8-byte frames without a tty, raw with one.
struct AttachOptions {
    bool stdin_ = false;
    bool stdout_ = false;
    bool stderr_ = false;
    std::string detach_keys;  ///< as in "ctrl-p,ctrl-q"; empty: the default; only with a tty
    bool multiplexed = true;  ///< frames; false: raw bytes (always so with a tty)
};

/// A client of a container or exec. The socket (or any stream descriptor) goes to the shim, which closes it at the end.
struct Attachment {
    AttachOptions options;
    UniqueFd socket;
    std::string early;  ///< stdin bytes that were read from the socket already
};

struct LogOptions {
    std::filesystem::path path;  ///< empty: no log
    std::int64_t max_size = -1;  ///< bytes; -1 unlimited
    int max_files = 1;
    std::vector<std::pair<std::string, std::string>> attributes;  ///< "attrs" of every record
};

struct StartRequest {
    std::string id;
    std::filesystem::path run_dir;  ///< created 0700; the shim's socket, its exit file and the root's mount point
    LogOptions log;
    oci::RuntimeSpec spec;
    std::vector<MountSpec>
        root_mounts;  ///< made inside the container's mount namespace; empty: spec.root.path is ready
    bool tty = false;
    bool open_stdin = false;
    bool stdin_once = false;
    std::string external_runtime;         ///< path of runc, crun …, or a name in PATH; empty: the built-in launcher
    std::vector<std::string> runtime_args;  ///< options of that runtime
    std::vector<Attachment> attachments;  ///< clients that attached before the start: they miss no byte
};

struct ExecRequest {
    std::string exec_id;
    oci::Process process;  ///< buildExecProcess()
    bool open_stdin = false;
    std::optional<Attachment> attachment;  ///< none: detached, output is dropped
};

struct ShimState {
    pid_t pid = 0;  ///< of the container's init, in the daemon's pid namespace; 0 after its end
    bool running = false;
    bool paused = false;
    SystemTime started_at{};
    std::optional<ExitInfo> exit;
    std::uint64_t log_errors = 0;            ///< records that couldn't be written
    std::vector<std::string> running_execs;  ///< ids
};

/// Where the helpers are and how shims are run; set once.
struct ShimSettings {
    std::filesystem::path shim_binary;    ///< davit-shim; executed from a sealed copy in memory (SEC-01)
    std::filesystem::path seccomp_cache;  ///< directory for compiled filters; empty: memory only
    std::size_t prepared = 1;             ///< shims that are started ahead of their containers
};

/// One epoll thread that reads all shims' events, reaps ended shims, lets them clean up when no start is going on, and then starts
/// shims for containers to come. Those end with this object or, should the daemon be killed, by themselves.
class ShimMonitor {
  public:
    explicit ShimMonitor(ShimSettings settings);
    ~ShimMonitor();
    ShimMonitor(const ShimMonitor&) = delete;
    ShimMonitor& operator=(const ShimMonitor&) = delete;

    class Impl;
    [[nodiscard]] Impl& impl() noexcept { return *impl_; }

  private:
    std::unique_ptr<Impl> impl_;
};

class Shim {
  public:
    /// Starts shim and container. Returns when the program has been exec'ed. An earlier shim of the same run_dir that
    /// still cleans up is waited for. Throws StartError for the program's own fault, Error for everything else; nothing
    /// is left.
    [[nodiscard]] static std::shared_ptr<Shim> start(ShimMonitor& monitor, StartRequest request, ShimEvents events);

    /// Finds the shim of an earlier daemon. std::nullopt-like nullptr when none answers: look at readExit().
    /// When the container ended meanwhile, `exited` is called soon after.
    [[nodiscard]] static std::shared_ptr<Shim> reconnect(ShimMonitor& monitor, const std::filesystem::path& run_dir,
                                                         ShimEvents events);

    /// The exit facts that a shim left in run_dir.
    [[nodiscard]] static std::optional<ExitInfo> readExit(const std::filesystem::path& run_dir);

    /// After a shim was killed: ends the container's processes, removes its control groups. Missing things are fine.
    static void cleanUp(const std::filesystem::path& run_dir);

    ~Shim();
    Shim(const Shim&) = delete;
    Shim& operator=(const Shim&) = delete;

    [[nodiscard]] pid_t pid() const noexcept;
    [[nodiscard]] ShimState state();
    void attach(Attachment client);
    void resize(unsigned rows, unsigned columns);
    void kill(int signal);
    void pause();
    void resume();
    /// Starts a process in the container; returns its pid. Throws StartError like start().
    pid_t exec(ExecRequest request);
    void resizeExec(const std::string& exec_id, unsigned rows, unsigned columns);
    void killExec(const std::string& exec_id, int signal);

    /// After exited: returns when the shim has unmounted, removed its control groups and ended. Before:
    /// Error{conflict}.
    void release();

    class Impl;
    explicit Shim(std::shared_ptr<Impl> impl);

  private:
    std::shared_ptr<Impl> impl_;
};

}  // namespace davit::runtime
