// Reactor: one thread that waits for many descriptors and moments.
//
// Callbacks run on the reactor's thread and never block. Only post(), stop() and onThread() may be called from other
// threads; everything else on the reactor's thread (from a callback or through post()).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

namespace davit::http {

class Reactor {
  public:
    using Ready = std::function<void(std::uint32_t events)>;  ///< EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR
    using Task = std::function<void()>;
    using TimerId = std::uint64_t;  ///< 0 is no timer

    Reactor();
    ~Reactor();
    Reactor(const Reactor&) = delete;
    Reactor& operator=(const Reactor&) = delete;

    /// Watches `fd` (not owned) level-triggered. Throws Error::system.
    void add(int fd, std::uint32_t events, Ready ready);
    void modify(int fd, std::uint32_t events);
    /// Must come before the descriptor is closed. Unknown is fine. The callback isn't called again.
    void remove(int fd) noexcept;

    TimerId callAfter(std::chrono::milliseconds delay, Task task);
    void cancel(TimerId timer) noexcept;

    /// Runs `task` on the reactor's thread soon; tasks of one thread keep their order. Any thread. After stop() tasks
    /// are destroyed unrun.
    void post(Task task);
    [[nodiscard]] bool onThread() const noexcept;

    /// Serves until stop(). The caller's thread becomes the reactor's.
    void run();
    void stop() noexcept;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace davit::http
