// CallTap: the place at one driver where its calls can be listened to. All calls of a .so, here or in a process of its own, pass a
// TracedTransport; those of a server pass ForeignServer's own tap.
//
// Any thread, concurrently. While nobody listens it costs one relaxed load.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "plugin/call_trace.hpp"
#include "plugin/transport.hpp"

namespace davit::plugin {

class CallTap {
  public:
    /// `trace`: nullptr: nobody can listen.
    CallTap(std::shared_ptr<CallTrace> trace, const DriverInfo& of);

    /// Returns and throws what forward(call) does; who listens is told of it.
    template <class F>
    std::string around(const Call& call, F&& forward) const {
        if (!trace_ || !trace_->watched()) [[likely]] return forward(call);
        return traced(call, forward);
    }

  private:
    std::string traced(const Call& call, const std::function<std::string(const Call&)>& forward) const;

    const std::shared_ptr<CallTrace> trace_;
    const std::shared_ptr<const TraceSubject> subject_;
};

/// A transport behind a tap.
class TracedTransport final : public Transport {
  public:
    TracedTransport(std::shared_ptr<Transport> transport, CallTap tap) : transport_(std::move(transport)), tap_(std::move(tap)) {}

    std::string call(const Call& call) override {
        return tap_.around(call, [this](const Call& forwarded) { return transport_->call(forwarded); });
    }

  private:
    const std::shared_ptr<Transport> transport_;
    const CallTap tap_;
};

}  // namespace davit::plugin
