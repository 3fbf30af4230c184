#include "api/trace_stream.hpp"

#include <atomic>

#include "api/views/trace_view.hpp"
#include "base/check.hpp"

namespace davit::api {
namespace {

std::optional<DriverKind> kindOf(const std::string& name) {
    if (name.empty()) return std::nullopt;
    if (const auto kind = plugin::kindNamed(name)) return kind;
    throw error(Code::invalid, "unknown kind of driver: {}", name);
}

/// One client. Its connection keeps it alive until the client goes.
class TraceStream : public std::enable_shared_from_this<TraceStream> {
  public:
    TraceStream(const Context& context, std::unique_ptr<plugin::TraceListener> listener)
        : context_(context), listener_(std::move(listener)) {}

    void begin(Request& request) {
        running_ = true;  // no round before everything is in its place
        body_.emplace(request.startStream(200, "application/x-ndjson"));
        request.exchange().onDisconnect([self = shared_from_this()] {
            self->gone_ = true;
            self->wake();
        });
        listener_->onRecord(waker());
        run();
    }

  private:
    /// Asks for a round; any thread. Never holds the object: a driver's call that wakes holds the lock that its end wants.
    [[nodiscard]] std::function<void()> waker() {
        return [&context = context_, weak = weak_from_this()] {
            context.server.reactor().post([weak] {
                if (const auto self = weak.lock()) self->wake();
            });
        };
    }

    /// Reactor thread: a round, in a worker, if none is under way.
    void wake() {
        again_ = true;
        if (!running_.exchange(true)) context_.server.runInWorker([self = shared_from_this()] { self->run(); });
    }

    void run() {
        while (true) {
            while (again_.exchange(false))
                if (body_ && !round()) end();
            running_ = false;
            // Somebody may have come between the two looks and have seen a round under way.
            if (!again_ || running_.exchange(true)) return;
        }
    }

    /// Sends what there is. False: the client has gone.
    bool round() {
        if (blocked_ && !gone_ && !drained_.exchange(false)) return true;
        blocked_ = false;
        try {
            while (!gone_) {
                const auto records = listener_->take();
                if (records.empty()) return true;
                std::string lines;
                for (const plugin::TraceRecord& record : records) lines += traceLine(record);
                if (body_->offer(lines)) continue;
                waitDrained();
                return true;
            }
        } catch (const Error&) {  // it has gone
        }
        return false;
    }

    void waitDrained() {
        blocked_ = true;
        body_->onDrained([weak = weak_from_this()] {
            const auto self = weak.lock();
            if (!self) return;
            self->drained_ = true;
            self->wake();
        });
    }

    void end() {
        listener_.reset();
        body_.reset();
    }

    const Context& context_;
    std::atomic<bool> again_{false};
    std::atomic<bool> running_{false};
    std::atomic<bool> gone_{false};
    std::atomic<bool> drained_{false};
    // Of the round under way:
    std::unique_ptr<plugin::TraceListener> listener_;
    std::optional<http::BodyWriter> body_;
    bool blocked_ = false;
};

}  // namespace

void streamTrace(const Context& context, Request& request) {
    auto listener = context.engine.plugins().trace(request.variable("name"), kindOf(request.query().get("kind")));
    std::make_shared<TraceStream>(context, std::move(listener))->begin(request);
}

}  // namespace davit::api
