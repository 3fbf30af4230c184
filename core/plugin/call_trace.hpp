// CallTrace: who listens to the calls of drivers, and what is told to them. Drivers' calls reach it through CallTap.
//
//     std::unique_ptr<TraceListener> listener = trace.listen({.name = "nfs", .kind = {}});
//     listener->onRecord([] { /* wake somebody who calls */ });
//     for (const TraceRecord& record : listener->take()) …
//
// A call is told of twice: when it begins and when it has ended. Nobody waits for a listener: one that doesn't take its
// records loses some, and learns how many.
//
// Threads: any, for all of it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/thread_annotations.hpp"
#include "plugin/driver_info.hpp"

namespace davit::plugin {

/// How much of a message or an error is kept for listeners, in bytes.
inline constexpr std::size_t kMaxTracedText = 4096;

/// The beginning of a text, cut between two characters of UTF-8.
struct TracedText {
    std::string text;
    std::size_t size = 0;  ///< of the whole, in bytes

    [[nodiscard]] static TracedText of(std::string_view whole);
    [[nodiscard]] bool truncated() const noexcept { return text.size() < size; }
};

/// Whose calls they are, in the words of DriverInfo.
struct TraceSubject {
    std::string driver;
    std::string plugin;
    std::string transport;
    Isolation isolation = Isolation::in_process;
};

struct TracedCall {
    std::uint64_t number = 0;  ///< of this daemon's traced calls; what begin and end have in common
    SystemTime begun{};
    std::shared_ptr<const TraceSubject> subject;
    std::optional<DriverKind> kind;  ///< std::nullopt: of the server as such ("Plugin.Activate")
    std::string method;              ///< "VolumeDriver.Mount"
    TracedText request;
};

struct CallFailure {
    Code code = Code::system;
    TracedText text;
};

/// What a call came to.
struct CallOutcome {
    std::chrono::nanoseconds duration{0};
    TracedText reply;                    ///< empty when none came, or a stream instead
    std::optional<CallFailure> failure;  ///< also when the reply itself says no
    std::optional<std::uint64_t> sent;   ///< bytes of the stream to the driver; std::nullopt: there was none
    std::optional<std::uint64_t> received;
};

struct TraceRecord {
    std::shared_ptr<const TracedCall> call;  ///< nullptr: records were lost here
    std::optional<CallOutcome> outcome{};    ///< std::nullopt: the call begins
    std::uint64_t dropped = 0;               ///< how many were lost
};

/// Which calls a listener wants.
struct TraceFilter {
    std::string name;                ///< of a driver or of a plugin
    std::optional<DriverKind> kind;  ///< std::nullopt: all, and calls of no kind

    [[nodiscard]] bool accepts(const TraceSubject& subject, std::optional<DriverKind> of) const;
};

class CallTrace;

/// Listens while it lives.
class TraceListener {
  public:
    ~TraceListener();
    TraceListener(const TraceListener&) = delete;
    TraceListener& operator=(const TraceListener&) = delete;

    /// `waiting` is called when there is something to take after there was nothing, on the thread of the driver's call and
    /// with a lock held: it only wakes somebody. It isn't called any more after the destructor.
    void onRecord(std::function<void()> waiting);
    /// The next records in order, at most `most`; none: there are no more for now.
    [[nodiscard]] std::vector<TraceRecord> take(std::size_t most = 64);

    /// How many records wait at most.
    static constexpr std::size_t kBacklog = 512;

  private:
    friend class CallTrace;
    struct Queue;
    TraceListener(std::shared_ptr<CallTrace> trace, std::shared_ptr<Queue> queue);

    const std::shared_ptr<CallTrace> trace_;
    const std::shared_ptr<Queue> queue_;
};

class CallTrace : public std::enable_shared_from_this<CallTrace> {
  public:
    /// Whether anybody listens to anything: one relaxed load, for every call of a driver.
    [[nodiscard]] bool watched() const noexcept { return listening_.load(std::memory_order_relaxed); }

    [[nodiscard]] std::unique_ptr<TraceListener> listen(TraceFilter filter) DAVIT_EXCLUDES(mutex_);

    /// Whether anybody listens to this.
    [[nodiscard]] bool wanted(const TraceSubject& subject, std::optional<DriverKind> kind) const DAVIT_EXCLUDES(mutex_);
    /// Tells those who listen to it. Doesn't wait for them.
    void publish(const TraceRecord& record) DAVIT_EXCLUDES(mutex_);
    [[nodiscard]] std::uint64_t nextNumber() noexcept { return ++number_; }

  private:
    friend class TraceListener;
    using Queue = TraceListener::Queue;

    std::atomic<bool> listening_{false};
    std::atomic<std::uint64_t> number_{0};
    mutable Mutex mutex_;
    /// Whose content the mutex guards, too.
    std::vector<std::shared_ptr<Queue>> queues_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::plugin
