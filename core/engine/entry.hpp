// Entry: one container as the engine holds it. Its data lies behind a short lock that is never held across a call to shim,
// driver, disk or network; what excludes operations from each other is a token (Operation), which readers don't know of.
//
// Life: made by create or restore, known to the table until its removal is committed, then `gone`. Threads: any.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/thread_annotations.hpp"
#include "engine/container.hpp"
#include "engine/container_service.hpp"
#include "engine/restart_policy.hpp"
#include "runtime/shim_client.hpp"

namespace davit::engine {

class Entry;
using EntryPtr = std::shared_ptr<Entry>;

/// The right to change a container's state, until destruction. Held by one start, stop, remove … at a time.
class Operation {
  public:
    Operation(Operation&& other) noexcept : entry_(std::move(other.entry_)) {}
    Operation& operator=(Operation&&) = delete;
    ~Operation();

  private:
    friend class Entry;
    explicit Operation(EntryPtr entry) noexcept : entry_(std::move(entry)) {}
    EntryPtr entry_;
};

class Entry : public std::enable_shared_from_this<Entry> {
  public:
    explicit Entry(Container data);

    [[nodiscard]] const std::string& id() const noexcept { return id_; }
    [[nodiscard]] Container snapshot() const DAVIT_EXCLUDES(mutex_);
    [[nodiscard]] ContainerState state() const DAVIT_EXCLUDES(mutex_);
    [[nodiscard]] std::string name() const DAVIT_EXCLUDES(mutex_);
    [[nodiscard]] bool autoRemove() const DAVIT_EXCLUDES(mutex_);

    /// Waits for the operation that is under way. Throws Error{not_found} when the container is gone by then.
    [[nodiscard]] Operation begin() DAVIT_EXCLUDES(mutex_);
    /// As begin(), for a removal: throws Error{conflict} "removal of container x is already in progress" if one is.
    [[nodiscard]] Operation beginRemoval() DAVIT_EXCLUDES(mutex_);
    /// std::nullopt when an operation is under way or the container is gone.
    [[nodiscard]] std::optional<Operation> tryBeginRemoval() DAVIT_EXCLUDES(mutex_);

    /// Gets the container as a change has left it, before any other change or look: what is announced in it is in order. Must
    /// not block nor use the entry.
    using Tell = std::function<void(const Container&)>;

    // --- a run ---
    /// The clients that attached before. From here until started() or failed() new ones wait too, and an exit is kept back.
    struct Run {
        std::uint64_t number;
        std::vector<runtime::Attachment> attachments;
    };
    [[nodiscard]] Run beginRun() DAVIT_EXCLUDES(mutex_);
    /// It runs. Returns the clients that came meanwhile and the exit that came meanwhile.
    struct Started {
        std::vector<runtime::Attachment> attachments;
        std::optional<runtime::ExitInfo> exit;
    };
    Started started(std::shared_ptr<runtime::Shim> shim, const ContainerState& state, const Tell& tell = {}) DAVIT_EXCLUDES(mutex_);
    /// It couldn't be started; waiting clients are let go.
    void failed(const ContainerState& state) DAVIT_EXCLUDES(mutex_);
    /// False: keep it back (the start isn't finished) or it belongs to an earlier run; then nothing is to be done.
    [[nodiscard]] bool acceptExit(std::uint64_t run, const runtime::ExitInfo& exit) DAVIT_EXCLUDES(mutex_);
    /// The run has ended and that is committed: wakes stop() and the waiters of an exit.
    void ended(const ContainerState& state, const Tell& tell = {}) DAVIT_EXCLUDES(mutex_);
    /// Tells if it runs and its end isn't known yet: of what is about to be done to the run.
    void tellWhileRunning(const Tell& tell) const DAVIT_EXCLUDES(mutex_);
    /// Number of the current or last run.
    [[nodiscard]] std::uint64_t runNumber() const DAVIT_EXCLUDES(mutex_);
    /// True when that run is over, waiting for it until `deadline` (absent: for ever).
    [[nodiscard]] bool waitEnd(std::uint64_t run, std::optional<SteadyTime> deadline) DAVIT_EXCLUDES(mutex_);

    /// Waits for the end of a start that is under way: the program may have been seen at work by then, but nothing can be done to
    /// it. Not by who starts it.
    void settle() const DAVIT_EXCLUDES(mutex_);
    /// After settle(). Null when it doesn't run. After the end of a run the shim stays known until the next start or removal.
    [[nodiscard]] std::shared_ptr<runtime::Shim> shim() const DAVIT_EXCLUDES(mutex_);
    [[nodiscard]] std::shared_ptr<runtime::Shim> takeShim() DAVIT_EXCLUDES(mutex_);

    void setOom(const Tell& tell = {}) DAVIT_EXCLUDES(mutex_);
    void setState(const ContainerState& state, const Tell& tell = {}) DAVIT_EXCLUDES(mutex_);
    /// A client has sent a signal to the run: it isn't followed by another by itself.
    void setStoppedByClient() DAVIT_EXCLUDES(mutex_);
    /// The run that `state` tells of has ended: how long to wait before the next one, which is counted; absent: there is none.
    [[nodiscard]] std::optional<std::chrono::milliseconds> countRestart(const ContainerState& state) DAVIT_EXCLUDES(mutex_);
    /// A client starts it: its restarts are counted from the beginning.
    void resetRestarts() DAVIT_EXCLUDES(mutex_);
    /// Halted or not, while it runs; else false.
    bool setPaused(bool paused, const Tell& tell) DAVIT_EXCLUDES(mutex_);
    /// Under its own name it is found by others on its networks too.
    void setName(const std::string& name, const Tell& tell) DAVIT_EXCLUDES(mutex_);
    void setHostConfig(std::shared_ptr<const runtime::HostConfig> host_config, const Tell& tell) DAVIT_EXCLUDES(mutex_);
    void setMounts(std::vector<runtime::MountPoint> mounts) DAVIT_EXCLUDES(mutex_);
    void setHostConfig(std::shared_ptr<const runtime::HostConfig> host_config) DAVIT_EXCLUDES(mutex_);
    void setNetwork(NetworkSettings network, const Tell& tell = {}) DAVIT_EXCLUDES(mutex_);
    /// What a start decided.
    void setRunFacts(const NetworkSettings& network, const std::string& hostname_path, const std::string& hosts_path,
                     const std::string& resolv_conf_path) DAVIT_EXCLUDES(mutex_);
    void addExec(const std::string& exec_id) DAVIT_EXCLUDES(mutex_);
    void dropExec(const std::string& exec_id) DAVIT_EXCLUDES(mutex_);

    /// Its removal is committed: the waiters of the removal are answered, later operations find nothing.
    void gone(const Tell& tell = {}) DAVIT_EXCLUDES(mutex_);
    [[nodiscard]] bool isGone() const DAVIT_EXCLUDES(mutex_);

    [[nodiscard]] std::unique_ptr<WaitTicket> wait(WaitCondition condition, std::function<void(WaitResult)> done)
        DAVIT_EXCLUDES(mutex_);
    /// True: kept until the start. False: it runs, give it to the shim. `greeting` is sent to the client in either case, under
    /// the lock: a client that starts the container when it has read it is attached by then.
    [[nodiscard]] bool keepAttachment(runtime::Attachment& attachment, std::string_view greeting) DAVIT_EXCLUDES(mutex_);

  private:
    friend class Operation;
    struct Waiter;
    enum class Phase { idle, starting, running };

    void end() noexcept DAVIT_EXCLUDES(mutex_);
    [[nodiscard]] WaitResult result() const DAVIT_REQUIRES(mutex_);
    std::vector<std::shared_ptr<Waiter>> takeWaiters(bool removal) DAVIT_REQUIRES(mutex_);
    static void fire(const std::vector<std::shared_ptr<Waiter>>& waiters, const WaitResult& result);

    const std::string id_;
    mutable Mutex mutex_;
    mutable Condition changed_;
    Container data_ DAVIT_GUARDED_BY(mutex_);
    bool busy_ DAVIT_GUARDED_BY(mutex_) = false;
    bool removing_ DAVIT_GUARDED_BY(mutex_) = false;
    bool gone_ DAVIT_GUARDED_BY(mutex_) = false;
    Phase phase_ DAVIT_GUARDED_BY(mutex_) = Phase::idle;
    std::uint64_t run_ DAVIT_GUARDED_BY(mutex_) = 0;
    RestartCounter restarts_ DAVIT_GUARDED_BY(mutex_);
    std::optional<runtime::ExitInfo> early_exit_ DAVIT_GUARDED_BY(mutex_);
    std::shared_ptr<runtime::Shim> shim_ DAVIT_GUARDED_BY(mutex_);
    std::vector<runtime::Attachment> pending_ DAVIT_GUARDED_BY(mutex_);
    std::vector<std::shared_ptr<Waiter>> waiters_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::engine
