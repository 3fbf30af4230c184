// The inside of ShimMonitor and Shim: one thread reads all shims' datagrams. Used by shim_client.cpp only.
//
// Locks: ShimMonitor::Impl::mutex_ guards the table, Shim::Impl::mutex_ the answers that are waited for; neither is held
// while a callback runs.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <thread>

#include "base/process.hpp"
#include "base/thread_annotations.hpp"
#include "linux/seccomp.hpp"
#include "runtime/shim_client.hpp"
#include "runtime/shim_connection.hpp"

namespace davit::runtime {

class Shim::Impl {
  public:
    Impl(ShimConnection connection, std::filesystem::path run_dir, ShimEvents events);

    /// Sends a request and waits for its answer. Throws Error{unavailable|deadline}. Not on the monitor's thread.
    [[nodiscard]] ShimDatagram ask(std::string datagram, const std::vector<int>& fds, std::chrono::milliseconds timeout);
    /// Sends without waiting; an answer is dropped.
    void tell(std::string datagram);

    // --- the monitor's thread ---
    /// Reads what is there; false when the connection has ended.
    bool readAll();
    void connectionEnded();

    [[nodiscard]] std::optional<ExitInfo> exitInfo() const;
    void markExited(const ExitInfo& exit);
    /// No callback begins after this. One that is under way isn't waited for: it may want a lock that the caller holds.
    void silence() { silent_ = true; }

    const ShimConnection connection;
    const std::filesystem::path run_dir;
    ShimMonitor::Impl* monitor = nullptr;
    std::uint64_t key = 0;
    pid_t pid = 0;
    std::string seccomp;
    bool external = false;  ///< another OCI runtime has started it
    std::optional<ChildProcess> process;  ///< when this daemon started it

  private:
    void handle(const ShimDatagram& datagram);
    void handleEvent(const ShimDatagram& datagram);
    /// The exit is known here: the shim may let the clients see the end.
    void acknowledge(const protocol::Exit& event);

    ShimEvents events_;
    mutable Mutex mutex_;
    Condition answered_;
    std::map<std::uint32_t, std::optional<ShimDatagram>> answers_ DAVIT_GUARDED_BY(mutex_);
    std::uint32_t last_serial_ DAVIT_GUARDED_BY(mutex_) = 0;
    bool gone_ DAVIT_GUARDED_BY(mutex_) = false;
    std::optional<ExitInfo> exit_ DAVIT_GUARDED_BY(mutex_);
    std::atomic<bool> silent_{false};
};

/// A shim that has no container yet.
struct FreshShim {
    ShimConnection connection;
    ChildProcess process;
    std::uint64_t namespaces = 0;  ///< that a process of its waits in for the container; 0: it has none
};

class ShimMonitor::Impl {
  public:
    explicit Impl(ShimSettings settings);
    ~Impl();

    /// One that was started ahead, if there is one: preferably with a process that waits in `namespaces`. From now on one of
    /// these is kept ready, too.
    [[nodiscard]] std::optional<FreshShim> takeReady(std::uint64_t namespaces) DAVIT_EXCLUDES(mutex_);
    /// `shown` is what the list of processes shows as its id.
    [[nodiscard]] FreshShim spawn(const std::string& shown, std::uint64_t namespaces) const;

    void add(const std::shared_ptr<Shim::Impl>& shim);
    void remove(const Shim::Impl& shim);
    /// `shim`'s container has ended: it is told to clean up when no start is going on.
    void scheduleRelease(const Shim::Impl& shim);

    const ShimSettings settings;
    const UniqueFd program;  ///< sealed copy of davit-shim
    const UniqueFd null_device;
    linux::SeccompCompiler seccomp;
    /// While one lives, clean-up and preparations wait.
    class Start {
      public:
        explicit Start(Impl& monitor) : monitor_(monitor) { ++monitor_.starts_; }
        Start(const Start&) = delete;
        Start& operator=(const Start&) = delete;
        ~Start();

      private:
        Impl& monitor_;
    };

  private:
    struct Entry {
        std::shared_ptr<Shim::Impl> shim;
        bool exited = false;
        bool released = false;
        SteadyTime exited_at{};
    };
    void run();
    void refill() DAVIT_EXCLUDES(mutex_);
    /// The first of the wanted kinds of which too few are ready.
    [[nodiscard]] std::optional<std::uint64_t> missingKind() const DAVIT_REQUIRES(mutex_);
    void serve(std::uint64_t key);
    void releaseExited();
    [[nodiscard]] int nextTimeout();
    void wake() const;

    std::atomic<int> starts_{0};  ///< under way
    UniqueFd epoll_;
    UniqueFd wake_;
    std::atomic<bool> stop_{false};
    Mutex mutex_;
    std::uint64_t last_key_ DAVIT_GUARDED_BY(mutex_) = 0;
    std::map<std::uint64_t, Entry> entries_ DAVIT_GUARDED_BY(mutex_);
    std::size_t unreleased_ DAVIT_GUARDED_BY(mutex_) = 0;
    std::vector<FreshShim> ready_ DAVIT_GUARDED_BY(mutex_);
    std::vector<std::uint64_t> kinds_ DAVIT_GUARDED_BY(mutex_);  ///< namespaces of the last starts, the latest first: the next ones' will be the same
    SteadyTime last_start_ DAVIT_GUARDED_BY(mutex_){};
    std::thread thread_;
};

}  // namespace davit::runtime
