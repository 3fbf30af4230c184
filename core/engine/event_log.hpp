// EventLog: what happened to the objects of the engine, in order: what GET /events shows. It keeps the last events and
// serves any number of readers; a reader that can't keep up misses events, nobody waits for it.
//
// Threads: any. publish() is short and takes no other lock than its own: whoever changes an object tells of it while nobody
// else can change it, so that the order of the events is that of the changes.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/thread_annotations.hpp"

namespace davit::engine {

/// Docker's types of objects.
enum class EventType { container, image, network, volume, plugin, daemon };
[[nodiscard]] std::string_view eventTypeName(EventType type);

using EventAttributes = std::map<std::string, std::string>;

struct Event {
    EventType type = EventType::container;
    std::string action;    ///< "start", "exec_create: ls -l"
    std::string actor_id;  ///< of the object
    EventAttributes attributes;
    SystemTime time{};  ///< later than every earlier event's, unless the clock was set back
};

using EventPtr = std::shared_ptr<const Event>;

/// From when to when; absent: not before now, without end.
struct EventRange {
    std::optional<SystemTime> since;
    std::optional<SystemTime> until;
};

class EventLog;

/// One reader's place in the log. One thread at a time; the log outlives it.
class EventReader {
  public:
    ~EventReader();
    EventReader(const EventReader&) = delete;
    EventReader& operator=(const EventReader&) = delete;

    /// The next events of the range, at most kBatch; none: there are no more for now.
    [[nodiscard]] std::vector<EventPtr> read();
    /// How many were lost because they weren't read in time.
    [[nodiscard]] std::uint64_t missed() const noexcept { return missed_; }

    static constexpr std::size_t kBatch = 64;

  private:
    friend class EventLog;
    EventReader(EventLog& log, EventRange range, std::uint64_t position) : log_(log), range_(range), position_(position) {}
    EventLog& log_;
    const EventRange range_;
    std::uint64_t position_;
    std::uint64_t missed_ = 0;
};

class EventLog {
  public:
    /// What a reader that comes later can still see, as in dockerd.
    static constexpr std::size_t kHistory = 256;
    /// How far a reader may be behind before it loses the oldest, as in dockerd.
    static constexpr std::size_t kBacklog = 1024;

    void publish(EventType type, std::string action, std::string actor_id, EventAttributes attributes) DAVIT_EXCLUDES(mutex_);

    /// Begins with the kept events of the range if it has an end or a beginning, else with the next one.
    [[nodiscard]] std::unique_ptr<EventReader> subscribe(const EventRange& range) DAVIT_EXCLUDES(mutex_);
    [[nodiscard]] std::size_t readers() const DAVIT_EXCLUDES(mutex_);

    /// `published` is called after each publish(), on its thread, with the publisher's locks held: it only wakes somebody. It
    /// isn't called any more when a later onPublished() has returned; empty: nobody.
    void onPublished(std::function<void()> published) DAVIT_EXCLUDES(listener_mutex_);

  private:
    friend class EventReader;
    mutable Mutex mutex_;
    std::deque<EventPtr> events_ DAVIT_GUARDED_BY(mutex_);
    std::uint64_t first_ DAVIT_GUARDED_BY(mutex_) = 0;  ///< position of events_.front()
    std::size_t readers_ DAVIT_GUARDED_BY(mutex_) = 0;
    Mutex listener_mutex_;
    std::function<void()> published_ DAVIT_GUARDED_BY(listener_mutex_);
};

}  // namespace davit::engine
