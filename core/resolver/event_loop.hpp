// EventLoop: descriptors and timers on one thread, through epoll.
//
// Callbacks may add and remove anything, their own registration too. An error that one throws ends run().
#pragma once

#include <sys/epoll.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/unique_fd.hpp"

namespace davit::resolver {

class EventLoop {
  public:
    using Ready = std::function<void(std::uint32_t events)>;
    using Expired = std::function<void()>;

    /// A registration: it ends with this object, before the descriptor is closed.
    class Watch {
      public:
        Watch() = default;
        Watch(Watch&& other) noexcept : loop_(std::exchange(other.loop_, nullptr)), fd_(other.fd_), token_(other.token_) {}
        Watch& operator=(Watch&& other) noexcept;
        ~Watch() { reset(); }
        void reset() noexcept;
        /// EPOLLIN and so on.
        void change(std::uint32_t events);

      private:
        friend class EventLoop;
        Watch(EventLoop& loop, int fd, std::uint64_t token) : loop_(&loop), fd_(fd), token_(token) {}
        EventLoop* loop_ = nullptr;
        int fd_ = -1;
        std::uint64_t token_ = 0;
    };

    class Timer {
      public:
        Timer() = default;
        Timer(Timer&& other) noexcept : loop_(std::exchange(other.loop_, nullptr)), key_(other.key_) {}
        Timer& operator=(Timer&& other) noexcept;
        ~Timer() { reset(); }
        void reset() noexcept;

      private:
        friend class EventLoop;
        using Key = std::pair<SteadyTime, std::uint64_t>;
        Timer(EventLoop& loop, Key key) : loop_(&loop), key_(key) {}
        EventLoop* loop_ = nullptr;
        Key key_;
    };

    EventLoop();
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

    [[nodiscard]] Watch watch(int fd, std::uint32_t events, Ready ready);
    [[nodiscard]] Timer after(std::chrono::milliseconds delay, Expired expired);
    /// Destroys the object when no callback is under way any more: for who ends in one of its own.
    template <typename T>
    void bury(std::unique_ptr<T> object) {
        buried_.push_back(std::shared_ptr<void>(std::move(object)));
    }

    /// Waits for the next events and calls back; returns early when a timer is due.
    void turn();
    /// Until stop().
    void run();
    void stop() noexcept { stopped_ = true; }

  private:
    [[nodiscard]] int timeout() const;
    void expire();

    UniqueFd epoll_;
    std::uint64_t next_ = 1;
    std::unordered_map<std::uint64_t, std::shared_ptr<Ready>> watches_;
    std::map<Timer::Key, std::shared_ptr<Expired>> timers_;
    std::vector<std::shared_ptr<void>> buried_;
    bool stopped_ = false;
};

}  // namespace davit::resolver
