#include "api/waiting.hpp"

#include "base/check.hpp"
#include "base/thread_annotations.hpp"

namespace davit::api {
namespace {

// A container that never started and is removed for it (run --rm) ends a wait for its removal without an error, as in
// dockerd: the start has reported it.
std::string resultText(const engine::WaitResult& result, bool with_error) {
    json::Writer out;
    out.object([&] {
        out.member("StatusCode", result.exit_code);
        if (with_error && !result.error.empty()) out.object("Error", [&] { out.member("Message", result.error); });
    });
    return out.take() + "\n";
}

// The result and the started answer come in either order; whoever comes second writes.
class PendingWait {
  public:
    void finished(const engine::WaitResult& result, bool with_error) {
        const Lock lock(mutex_);
        if (result_) return;
        result_ = resultText(result, with_error);
        if (body_) send();
    }
    void started(http::BodyWriter body) {
        const Lock lock(mutex_);
        body_.emplace(std::move(body));
        if (result_) send();
    }
    void keep(std::unique_ptr<engine::WaitTicket> ticket) {
        const Lock lock(mutex_);
        ticket_ = std::move(ticket);
    }
    /// The client has gone. The ticket waits for a callback that runs: never under the lock.
    void giveUp() {
        std::unique_ptr<engine::WaitTicket> ticket;
        std::optional<http::BodyWriter> body;
        {
            const Lock lock(mutex_);
            ticket.swap(ticket_);
            body.swap(body_);
        }
    }

  private:
    void send() DAVIT_REQUIRES(mutex_) {
        try {
            (void)body_->offer(*result_);  // a few bytes: the queue takes them
            body_->finish();
        } catch (const Error&) {
            // The client has gone meanwhile.
        }
    }
    Mutex mutex_;
    std::optional<std::string> result_ DAVIT_GUARDED_BY(mutex_);
    std::optional<http::BodyWriter> body_ DAVIT_GUARDED_BY(mutex_);
    std::unique_ptr<engine::WaitTicket> ticket_ DAVIT_GUARDED_BY(mutex_);
};

engine::WaitCondition conditionOf(const http::Query& query) {
    const std::string text = query.get("condition");
    if (text.empty() || text == "not-running") return engine::WaitCondition::not_running;
    if (text == "next-exit") return engine::WaitCondition::next_exit;
    if (text == "removed") return engine::WaitCondition::removed;
    throw error(Code::invalid, "invalid condition: {}", json::quote(text));
}

}  // namespace

void waitForContainer(const Context& context, Request& request) {
    auto pending = std::make_shared<PendingWait>();
    const engine::WaitCondition condition = conditionOf(request.query());
    const bool with_error = condition != engine::WaitCondition::removed;
    pending->keep(context.engine.containers().wait(
        request.variable("name"), condition,
        [pending, with_error](const engine::WaitResult& result) { pending->finished(result, with_error); }));
    http::BodyWriter body = request.startStream(200, "application/json");
    request.exchange().onDisconnect([pending] { pending->giveUp(); });
    pending->started(std::move(body));
}

}  // namespace davit::api
