#include "api/event_hub.hpp"

#include <vector>

#include "api/numbers.hpp"
#include "api/views/event_view.hpp"
#include "base/check.hpp"
#include "base/log.hpp"
#include "engine/time_filter.hpp"

namespace davit::api {
namespace {

constexpr unsigned kWithoutLegacyMembers = 52;
constexpr std::chrono::milliseconds kLongestTimer = std::chrono::hours(24 * 365);

/// Seconds with or without fraction, RFC 3339, or a duration before now.
std::optional<SystemTime> momentOf(const http::Query& query, const char* name) {
    const std::string text = query.get(name);
    if (text.empty()) return std::nullopt;
    if (text.find_first_not_of("0123456789.-") == std::string::npos && text != "0") return readMoment(query, name);
    const std::optional<SystemTime> moment = engine::parseMoment(text, now());
    if (!moment) throw error(Code::invalid, "invalid value for {}: {} is no time", name, json::quote(text));
    return moment;
}

engine::EventRange rangeOf(const http::Query& query) {
    const engine::EventRange range{momentOf(query, "since"), momentOf(query, "until")};
    if (range.since && range.until && *range.until < *range.since)
        throw error(Code::invalid, "`since` time ({}) cannot be after `until` time ({})", query.get("since"), query.get("until"));
    return range;
}

}  // namespace

/// What belongs to the round under way: everything but the two flags.
struct EventHub::Follower {
    Follower(std::unique_ptr<engine::EventReader> the_reader, engine::EventFilter the_filter, bool with_legacy)
        : reader(std::move(the_reader)), filter(std::move(the_filter)), legacy(with_legacy) {}

    const std::unique_ptr<engine::EventReader> reader;
    const engine::EventFilter filter;
    const bool legacy;  ///< members that API 1.52 has dropped
    std::optional<http::BodyWriter> body;
    bool blocked = false;
    http::Reactor::TimerId timer = 0;  // reactor thread
    std::atomic<bool> drained{false};
    std::atomic<bool> gone{false};      ///< the client
    std::atomic<bool> past_end{false};  ///< no event of the range is to come
};

EventHub::~EventHub() { context_.engine.events().onPublished({}); }

void EventHub::connect() {
    context_.engine.events().onPublished([this] { wake(); });
}

void EventHub::serve(Request& request) {
    const engine::EventRange range = rangeOf(request.query());
    engine::EventFilter filter(engine::Filters::parse(request.query().get("filters")));
    const bool past = range.until && *range.until < now();
    // Before the answer begins: a client that has read its head misses nothing from there on.
    const auto follower = std::make_shared<Follower>(context_.engine.events().subscribe(range), std::move(filter),
                                                     !request.atLeast(kWithoutLegacyMembers));
    follower->past_end = past;
    follower->body.emplace(request.startStream(200, "application/json"));
    {
        const Lock lock(mutex_);
        followers_.emplace(follower.get(), follower);
    }
    const std::weak_ptr<EventHub> weak = weak_from_this();
    request.exchange().onDisconnect([weak, follower] {
        follower->gone = true;
        const auto hub = weak.lock();
        if (!hub) return;
        hub->context_.server.reactor().cancel(follower->timer);
        hub->wake();
    });
    if (range.until && !past)
        context_.server.reactor().post([weak, follower, until = *range.until] {
            if (const auto hub = weak.lock()) hub->watchEnd(follower, until);
        });
    wake();
}

void EventHub::watchEnd(const FollowerPtr& follower, SystemTime until) {
    if (follower->gone) return;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now());
    follower->timer = context_.server.reactor().callAfter(std::clamp(left, std::chrono::milliseconds(0), kLongestTimer),
                                                          [weak = weak_from_this(), follower] {
                                                              follower->past_end = true;
                                                              if (const auto hub = weak.lock()) hub->wake();
                                                          });
}

void EventHub::wake() {
    again_ = true;
    if (running_.exchange(true)) return;
    // By way of the reactor: starting a worker may take a moment, and the caller may hold locks.
    context_.server.reactor().post([weak = weak_from_this()] {
        if (const auto hub = weak.lock()) hub->context_.server.runInWorker([hub] { hub->run(); });
    });
}

void EventHub::run() {
    while (true) {
        while (again_.exchange(false)) {
            std::vector<FollowerPtr> all;
            {
                const Lock lock(mutex_);
                for (const auto& [key, follower] : followers_) all.push_back(follower);
            }
            for (const FollowerPtr& follower : all)
                if (send(follower)) drop(follower);
        }
        running_ = false;
        // Somebody may have come between the two looks and have seen a round under way.
        if (!again_ || running_.exchange(true)) return;
    }
}

bool EventHub::send(const FollowerPtr& follower) {
    if (follower->gone) return true;
    if (follower->blocked && !follower->drained.exchange(false)) return false;
    follower->blocked = false;
    const bool last = follower->past_end;  // seen before the reading: what was published until then is all read
    try {
        for (auto events = follower->reader->read(); !events.empty(); events = follower->reader->read()) {
            std::string lines;
            for (const engine::EventPtr& event : events)
                if (follower->filter.accepts(*event)) lines += eventLine(*event, follower->legacy);
            if (follower->body->offer(lines)) continue;
            waitDrained(follower);
            return false;
        }
    } catch (const Error&) {  // the client has gone
        return true;
    }
    if (last) follower->body->finish();
    return last;
}

void EventHub::waitDrained(const FollowerPtr& follower) {
    follower->blocked = true;
    follower->body->onDrained([weak = weak_from_this(), follower] {
        follower->drained = true;
        if (const auto hub = weak.lock()) hub->wake();
    });
}

void EventHub::drop(const FollowerPtr& follower) {
    if (const std::uint64_t missed = follower->reader->missed(); missed > 0)
        log::info("events: a client was too slow for {} of them", missed);
    const Lock lock(mutex_);
    followers_.erase(follower.get());
}

}  // namespace davit::api
