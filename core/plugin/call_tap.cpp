#include "plugin/call_tap.hpp"

#include "davit/wire.hpp"

namespace davit::plugin {
namespace {

using Clock = std::chrono::steady_clock;

class CountingSource final : public ByteSource {
  public:
    explicit CountingSource(ByteSource* source) : source_(source) {}
    std::size_t read(std::span<std::byte> buffer) override {
        const std::size_t got = source_->read(buffer);
        count_ += got;
        return got;
    }
    [[nodiscard]] std::optional<std::uint64_t> count() const { return source_ != nullptr ? std::optional(count_) : std::nullopt; }
    [[nodiscard]] ByteSource* used() { return source_ != nullptr ? this : nullptr; }

  private:
    ByteSource* const source_;
    std::uint64_t count_ = 0;
};

class CountingSink final : public ByteSink {
  public:
    explicit CountingSink(ByteSink* sink) : sink_(sink) {}
    void write(std::span<const std::byte> data) override {
        sink_->write(data);
        count_ += data.size();
    }
    [[nodiscard]] std::optional<std::uint64_t> count() const { return sink_ != nullptr ? std::optional(count_) : std::nullopt; }
    [[nodiscard]] ByteSink* used() { return sink_ != nullptr ? this : nullptr; }

  private:
    ByteSink* const sink_;
    std::uint64_t count_ = 0;
};

// A server may refuse with an ordinary reply: {"Err": …}.
std::optional<CallFailure> failureIn(const std::string& reply) {
    if (reply.find("\"Err") == std::string::npos) return std::nullopt;
    try {
        const wire::Message message(reply);
        const wire::Refusal refusal = wire::readRefusal(wire::Reader(message.root()));
        if (refusal.text.empty()) return std::nullopt;
        return CallFailure{refusal.code == 0 ? Code::system : static_cast<Code>(refusal.code), TracedText::of(refusal.text)};
    } catch (const Error&) {  // no JSON: whoever reads the reply will say so
        return std::nullopt;
    }
}

}  // namespace

CallTap::CallTap(std::shared_ptr<CallTrace> trace, const DriverInfo& of)
    : trace_(std::move(trace)),
      subject_(std::make_shared<const TraceSubject>(TraceSubject{of.name, of.plugin, of.transport, of.isolation})) {}

std::string CallTap::traced(const Call& call, const std::function<std::string(const Call&)>& forward) const {
    const auto kind = kindOfInterface(call.method.substr(0, call.method.find('.')));
    if (!trace_->wanted(*subject_, kind)) return forward(call);
    CountingSource body(call.body);
    CountingSink stream(call.stream);
    Call counted = call;
    counted.body = body.used();
    counted.stream = stream.used();
    const auto traced = std::make_shared<const TracedCall>(TracedCall{.number = trace_->nextNumber(),
                                                                      .begun = now(),
                                                                      .subject = subject_,
                                                                      .kind = kind,
                                                                      .method = std::string(call.method),
                                                                      .request = TracedText::of(call.request)});
    trace_->publish({.call = traced});
    const auto begin = Clock::now();
    const auto ended = [&](std::string_view reply, std::optional<CallFailure> failure) {
        const auto duration = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - begin);
        trace_->publish({.call = traced,
                         .outcome = CallOutcome{duration, TracedText::of(reply), std::move(failure), body.count(), stream.count()}});
    };
    try {
        std::string reply = forward(counted);
        ended(reply, failureIn(reply));
        return reply;
    } catch (const Error& e) {
        ended({}, CallFailure{e.code(), TracedText::of(e.text())});
        throw;
    } catch (const std::exception& e) {
        ended({}, CallFailure{Code::system, TracedText::of(e.what())});
        throw;
    }
}

}  // namespace davit::plugin
