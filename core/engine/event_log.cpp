#include "engine/event_log.hpp"

#include <algorithm>

namespace davit::engine {
namespace {

/// Ticks of one moment, and small corrections of the clock, don't spoil the order of time stamps. A clock that is really set
/// back is followed: else nothing would be "now" for hours.
constexpr std::chrono::seconds kSmallStep{1};

SystemTime stampAfter(const EventPtr& last) {
    const SystemTime moment = now();
    if (!last || moment > last->time || last->time - moment > kSmallStep) return moment;
    return last->time + SystemTime::duration(1);
}

}  // namespace

std::string_view eventTypeName(EventType type) {
    switch (type) {
        case EventType::container:
            return "container";
        case EventType::image:
            return "image";
        case EventType::network:
            return "network";
        case EventType::volume:
            return "volume";
        case EventType::plugin:
            return "plugin";
        case EventType::daemon:
            break;
    }
    return "daemon";
}

void EventLog::publish(EventType type, std::string action, std::string actor_id, EventAttributes attributes) {
    auto event = std::make_shared<Event>();
    event->type = type;
    event->action = std::move(action);
    event->actor_id = std::move(actor_id);
    event->attributes = std::move(attributes);
    {
        const Lock lock(mutex_);
        event->time = stampAfter(events_.empty() ? nullptr : events_.back());
        events_.push_back(std::move(event));
        if (events_.size() > kBacklog) {
            events_.pop_front();
            ++first_;
        }
    }
    const Lock lock(listener_mutex_);
    if (published_) published_();
}

std::unique_ptr<EventReader> EventLog::subscribe(const EventRange& range) {
    const Lock lock(mutex_);
    ++readers_;
    const std::uint64_t kept = std::min(events_.size(), kHistory);
    const std::uint64_t end = first_ + events_.size();
    return std::unique_ptr<EventReader>(new EventReader(*this, range, range.since || range.until ? end - kept : end));
}

std::size_t EventLog::readers() const {
    const Lock lock(mutex_);
    return readers_;
}

void EventLog::onPublished(std::function<void()> published) {
    const Lock lock(listener_mutex_);
    published_ = std::move(published);
}

EventReader::~EventReader() {
    const Lock lock(log_.mutex_);
    --log_.readers_;
}

std::vector<EventPtr> EventReader::read() {
    std::vector<EventPtr> found;
    const Lock lock(log_.mutex_);
    if (position_ < log_.first_) {
        missed_ += log_.first_ - position_;
        position_ = log_.first_;
    }
    for (; position_ < log_.first_ + log_.events_.size() && found.size() < kBatch; ++position_) {
        const EventPtr& event = log_.events_[position_ - log_.first_];
        if (range_.since && event->time < *range_.since) continue;
        if (range_.until && event->time > *range_.until) continue;
        found.push_back(event);
    }
    return found;
}

}  // namespace davit::engine
