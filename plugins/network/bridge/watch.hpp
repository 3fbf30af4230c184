// Watch: notices what others do to what the driver made. One thread for all networks, which sleeps while nothing happens: the kernel
// tells of changes of the packet filter and of links that go, and the process that keeps the ports of its end.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "base/thread_annotations.hpp"
#include "base/unique_fd.hpp"

namespace davit::bridge {

/// Any thread. The thread belongs to the network namespace of whoever calls begin() first.
class Watch {
  public:
    /// Called on the watch's thread; what they throw is logged.
    struct Handlers {
        std::function<void()> rules_changed;   ///< by somebody else, a moment ago
        std::function<void()> others_changed;  ///< their own rules, in a table that decides about our traffic, too
        std::function<void()> bridges_gone;    ///< a moment ago, whoever removed them
        std::function<int()> keeper;           ///< a descriptor that becomes readable when tend() has something to do, or -1
        std::function<void()> tend;
        std::function<void(const std::string&)> log;
    };
    explicit Watch(Handlers handlers) : handlers_(std::move(handlers)) {}
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    /// Waits for a handler that is at work.
    ~Watch();

    /// Starts the thread unless it runs. Throws Error{system}.
    void begin() DAVIT_EXCLUDES(mutex_);
    /// Asks for the keeper's descriptor again, and calls tend() some seconds from now.
    void lookAgain() noexcept DAVIT_EXCLUDES(mutex_);

  private:
    using Clock = std::chrono::steady_clock;
    using Due = std::optional<Clock::time_point>;

    void run();
    void wait();
    void serve(Due& due, const std::function<void()>& handler);

    const Handlers handlers_;
    Mutex mutex_;
    UniqueFd wake_ DAVIT_GUARDED_BY(mutex_);
    std::thread thread_ DAVIT_GUARDED_BY(mutex_);

    // Of the thread alone, set before it starts.
    int woken_ = -1;
    UniqueFd filter_, links_;
    Due rules_due_, others_due_, links_due_, tend_due_;
    Clock::time_point last_repair_{};
    std::set<std::uint32_t> own_sockets_;  ///< their numbers, as the kernel names who changed its rules
};

}  // namespace davit::bridge
