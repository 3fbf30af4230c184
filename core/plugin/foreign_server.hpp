// ForeignServer: one plugin server that others run, with what is known about it: what it implements and whether it answers.
//
//     unknown ──activate──> active ──call fails on the way──> suspect ──again──> dead ──any answer──> active
//
// A refusal is an answer. A dead server is asked again by the next request that names it, never by one that doesn't.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/thread_annotations.hpp"
#include "plugin/call_tap.hpp"
#include "plugin/discovery.hpp"
#include "plugin/driver_info.hpp"
#include "plugin/http_transport.hpp"

namespace davit::plugin {

/// Any thread, concurrently.
class ForeignServer final : public Transport {
  public:
    /// One that needn't be asked what it implements.
    struct Known {
        std::string name;
        ServerAddress address;
        std::vector<std::string> interfaces;
        std::chrono::milliseconds limit{0};  ///< the most that a call may take; 0: none
    };
    /// Throws Error{invalid} when its file makes no sense. `trace`: of its calls; nullptr: none.
    explicit ForeignServer(ServerFile file, std::shared_ptr<CallTrace> trace = nullptr);
    explicit ForeignServer(Known known, std::shared_ptr<CallTrace> trace = nullptr);

    /// Passes the call on and keeps the state. While nobody listens the call is tried again, with growing pauses, for
    /// kReconnect: a server that is being restarted costs a pause and not a failure. A dead one gets one attempt.
    std::string call(const Call& call) override;

    /// Asks Plugin.Activate unless it has been answered. Throws like call(); Error{invalid} for an answer without Implements.
    void activate(std::chrono::milliseconds timeout);
    /// What it announced; empty before activate().
    [[nodiscard]] std::set<std::string, std::less<>> interfaces() const;
    [[nodiscard]] bool implements(DriverKind kind) const { return interfaces().contains(interfaceName(kind)); }
    /// Whether it was ever asked what it is, with or without an answer.
    [[nodiscard]] bool asked() const;

    [[nodiscard]] const ServerFile& file() const noexcept { return file_; }
    /// One entry per driver kind that it announced; before activate() one of no certain kind.
    [[nodiscard]] std::vector<DriverInfo> describe() const;

    static constexpr std::chrono::milliseconds kReconnect{3000};

  private:
    std::string callNow(const Call& call);
    void note(const Error& failure);
    void noteAnswer();
    void noteFailure(const std::string& reason);

    const ServerFile file_;
    const std::chrono::milliseconds limit_{0};
    HttpTransport http_;
    const CallTap tap_;
    mutable Mutex mutex_;
    DriverState state_ DAVIT_GUARDED_BY(mutex_) = DriverState::unknown;
    std::string reason_ DAVIT_GUARDED_BY(mutex_);
    int failures_ DAVIT_GUARDED_BY(mutex_) = 0;
    bool asked_ DAVIT_GUARDED_BY(mutex_) = false;
    std::set<std::string, std::less<>> interfaces_ DAVIT_GUARDED_BY(mutex_);
};

/// Plugin.Activate: the interfaces that the server at the other end implements. Throws like Transport::call, and
/// Error{invalid} naming `who` for an answer without Implements.
[[nodiscard]] std::vector<std::string> askImplements(Transport& transport, std::string_view who,
                                                     std::chrono::milliseconds timeout);

/// Calls through `transport`; while the address refuses connections (ECONNREFUSED, ENOENT: the request wasn't delivered)
/// it is tried again for `reconnect`.
std::string callWithReconnect(Transport& transport, const Call& call, std::chrono::milliseconds reconnect);

}  // namespace davit::plugin
