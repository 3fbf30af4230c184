#include "plugin/call_trace.hpp"

#include <algorithm>

namespace davit::plugin {

struct TraceListener::Queue {
    explicit Queue(TraceFilter wanted) : filter(std::move(wanted)) {}

    void push(const TraceRecord& record);

    const TraceFilter filter;
    std::deque<TraceRecord> records;
    std::uint64_t dropped = 0;  // after the last of `records`
    std::function<void()> waiting;
};

void TraceListener::Queue::push(const TraceRecord& record) {
    if (records.size() >= kBacklog) {
        ++dropped;
        return;
    }
    const bool was_empty = records.empty();
    if (dropped > 0) records.push_back({.call = nullptr, .dropped = std::exchange(dropped, 0)});
    records.push_back(record);
    if (was_empty && waiting) waiting();
}

TracedText TracedText::of(std::string_view whole) {
    std::size_t end = std::min(whole.size(), kMaxTracedText);
    // A byte 10xxxxxx goes on with the character before it.
    while (end < whole.size() && end > 0 && (static_cast<unsigned char>(whole[end]) & 0xC0U) == 0x80U) --end;
    return {std::string(whole.substr(0, end)), whole.size()};
}

bool TraceFilter::accepts(const TraceSubject& subject, std::optional<DriverKind> of) const {
    return (!kind || kind == of) && (name == subject.driver || name == subject.plugin);
}

TraceListener::TraceListener(std::shared_ptr<CallTrace> trace, std::shared_ptr<Queue> queue)
    : trace_(std::move(trace)), queue_(std::move(queue)) {}

TraceListener::~TraceListener() {
    const Lock lock(trace_->mutex_);
    std::erase(trace_->queues_, queue_);
    trace_->listening_ = !trace_->queues_.empty();
    queue_->waiting = nullptr;
}

void TraceListener::onRecord(std::function<void()> waiting) {
    const Lock lock(trace_->mutex_);
    queue_->waiting = std::move(waiting);
    if (!queue_->records.empty() && queue_->waiting) queue_->waiting();
}

std::vector<TraceRecord> TraceListener::take(std::size_t most) {
    std::vector<TraceRecord> taken;
    const Lock lock(trace_->mutex_);
    auto& records = queue_->records;
    while (!records.empty() && taken.size() < most) {
        taken.push_back(std::move(records.front()));
        records.pop_front();
    }
    if (records.empty() && queue_->dropped > 0) taken.push_back({.call = nullptr, .dropped = std::exchange(queue_->dropped, 0)});
    return taken;
}

std::unique_ptr<TraceListener> CallTrace::listen(TraceFilter filter) {
    auto queue = std::make_shared<Queue>(std::move(filter));
    std::unique_ptr<TraceListener> listener(new TraceListener(shared_from_this(), queue));
    const Lock lock(mutex_);
    queues_.push_back(std::move(queue));
    listening_ = true;
    return listener;
}

bool CallTrace::wanted(const TraceSubject& subject, std::optional<DriverKind> kind) const {
    const Lock lock(mutex_);
    return std::any_of(queues_.begin(), queues_.end(), [&](const auto& queue) { return queue->filter.accepts(subject, kind); });
}

void CallTrace::publish(const TraceRecord& record) {
    const Lock lock(mutex_);
    for (const auto& queue : queues_)
        if (queue->filter.accepts(*record.call->subject, record.call->kind)) queue->push(record);
}

}  // namespace davit::plugin
