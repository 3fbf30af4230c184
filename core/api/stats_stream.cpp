#include "api/stats_stream.hpp"

#include <atomic>

#include "api/views/stats_view.hpp"
#include "base/thread_annotations.hpp"

namespace davit::api {
namespace {

constexpr std::chrono::seconds kInterval{1};

/// One client. It keeps itself alive through its timer until the client goes or there is nothing more to say. Between two
/// rounds only the timer of the reactor knows it, so that a round is never run twice at a time.
class StatsFollower : public std::enable_shared_from_this<StatsFollower> {
  public:
    StatsFollower(const Context& context, engine::ContainerStats first, bool stream)
        : context_(context), last_(std::move(first)), stream_(stream) {}

    void begin(Request& request) {
        body_.emplace(request.startStream(200, "application/json"));
        request.exchange().onDisconnect([self = shared_from_this()] { self->gone_ = true; });
        if (stream_ && !send(statsLine(last_, {}))) return;
        waitForNext();
    }

  private:
    void waitForNext() {
        context_.server.reactor().post([self = shared_from_this()] {
            self->context_.server.reactor().callAfter(kInterval, [self] {
                if (self->gone_) return;
                self->context_.server.runInWorker([self] { self->round(); });
            });
        });
    }

    void round() {
        engine::ContainerStats stats;
        try {
            stats = context_.engine.containers().stats(last_.id);
        } catch (const Error&) {  // it is removed
            return body_->finish();
        }
        const std::string line = statsLine(stats, last_);
        last_ = std::move(stats);
        if (!send(line)) return;
        if (!stream_) return body_->finish();
        waitForNext();
    }

    /// False: the client has gone.
    bool send(const std::string& line) {
        try {
            // Who doesn't read gets no further samples until it does: they would be old.
            if (full_) full_ = !body_->offer("");
            if (!full_) full_ = !body_->offer(line);
            return !gone_;
        } catch (const Error&) {
            return false;
        }
    }

    const Context& context_;
    engine::ContainerStats last_;
    const bool stream_;
    std::optional<http::BodyWriter> body_;
    bool full_ = false;
    std::atomic<bool> gone_{false};
};

}  // namespace

void streamStats(const Context& context, Request& request) {
    const bool stream = request.query().flag("stream", true);
    engine::ContainerStats first = context.engine.containers().stats(request.variable("name"));
    if (!stream && (!first.running || request.query().flag("one-shot")))
        return request.replyText(200, "application/json", statsLine(first, {}));
    std::make_shared<StatsFollower>(context, std::move(first), stream)->begin(request);
}

}  // namespace davit::api
