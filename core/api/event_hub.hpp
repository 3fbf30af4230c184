// EventHub: the readers of GET /events. All of them are served by one task, which runs in a worker while there is something
// to send; between events they cost a connection and no thread. A client that doesn't read is left out until it does, and
// loses what the log doesn't keep that long.
//
// Owned by the route; the engine and the server outlive it. Threads: any.
#pragma once

#include <atomic>
#include <map>
#include <memory>

#include "api/context.hpp"
#include "api/request.hpp"
#include "base/thread_annotations.hpp"
#include "engine/event_filter.hpp"

namespace davit::api {

class EventHub : public std::enable_shared_from_this<EventHub> {
  public:
    explicit EventHub(const Context& context) : context_(context) {}
    EventHub(const EventHub&) = delete;
    EventHub& operator=(const EventHub&) = delete;
    ~EventHub();

    /// Before requests are served: asks the log to be woken.
    void connect();
    /// Answers GET /events; the stream ends with the range or with the client.
    void serve(Request& request);

  private:
    struct Follower;
    using FollowerPtr = std::shared_ptr<Follower>;

    /// There is something to do: a round, in a worker, if none is under way. Any thread; only wakes.
    void wake();
    void run();
    /// True: nothing more will be sent to it.
    bool send(const FollowerPtr& follower);
    /// Its queue is full: it is left out until the client has taken it.
    void waitDrained(const FollowerPtr& follower);
    void drop(const FollowerPtr& follower) DAVIT_EXCLUDES(mutex_);
    /// Reactor thread: ends it when its range does.
    void watchEnd(const FollowerPtr& follower, SystemTime until);

    const Context& context_;
    std::atomic<bool> again_{false};
    std::atomic<bool> running_{false};
    Mutex mutex_;
    std::map<const Follower*, FollowerPtr> followers_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::api
