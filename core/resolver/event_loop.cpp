#include "resolver/event_loop.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>

#include "base/check.hpp"

namespace davit::resolver {
namespace {

constexpr int kEventsPerTurn = 64;

}  // namespace

EventLoop::Watch& EventLoop::Watch::operator=(Watch&& other) noexcept {
    if (this == &other) return *this;
    reset();
    loop_ = std::exchange(other.loop_, nullptr);
    fd_ = other.fd_;
    token_ = other.token_;
    return *this;
}

void EventLoop::Watch::reset() noexcept {
    EventLoop* const loop = std::exchange(loop_, nullptr);
    if (loop == nullptr) return;
    (void)::epoll_ctl(loop->epoll_.get(), EPOLL_CTL_DEL, fd_, nullptr);  // fails only when it isn't there
    loop->watches_.erase(token_);
}

void EventLoop::Watch::change(std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = token_;
    check(::epoll_ctl(loop_->epoll_.get(), EPOLL_CTL_MOD, fd_, &event), "change what is awaited of a descriptor");
}

EventLoop::Timer& EventLoop::Timer::operator=(Timer&& other) noexcept {
    if (this == &other) return *this;
    reset();
    loop_ = std::exchange(other.loop_, nullptr);
    key_ = other.key_;
    return *this;
}

void EventLoop::Timer::reset() noexcept {
    if (EventLoop* const loop = std::exchange(loop_, nullptr)) loop->timers_.erase(key_);
}

EventLoop::EventLoop() : epoll_(check(::epoll_create1(EPOLL_CLOEXEC), "create epoll")) {}

EventLoop::Watch EventLoop::watch(int fd, std::uint32_t events, Ready ready) {
    const std::uint64_t token = next_++;
    epoll_event event{};
    event.events = events;
    event.data.u64 = token;
    check(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event), "watch a descriptor");
    watches_.emplace(token, std::make_shared<Ready>(std::move(ready)));
    return {*this, fd, token};
}

EventLoop::Timer EventLoop::after(std::chrono::milliseconds delay, Expired expired) {
    const Timer::Key key{std::chrono::steady_clock::now() + delay, next_++};
    timers_.emplace(key, std::make_shared<Expired>(std::move(expired)));
    return {*this, key};
}

int EventLoop::timeout() const {
    if (timers_.empty()) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(timers_.begin()->first.first - std::chrono::steady_clock::now());
    return static_cast<int>(std::clamp<std::chrono::milliseconds::rep>(left.count(), 0, std::numeric_limits<int>::max()));
}

void EventLoop::expire() {
    const SteadyTime due = std::chrono::steady_clock::now();
    while (!timers_.empty() && timers_.begin()->first.first <= due) {
        const std::shared_ptr<Expired> expired = timers_.begin()->second;
        timers_.erase(timers_.begin());
        (*expired)();
    }
}

void EventLoop::turn() {
    std::array<epoll_event, kEventsPerTurn> events{};
    const int count = ::epoll_wait(epoll_.get(), events.data(), kEventsPerTurn, timeout());
    if (count < 0 && errno != EINTR) throw Error::system("wait for events", errno);
    for (int at = 0; at < count; ++at) {
        const auto found = watches_.find(events[at].data.u64);
        if (found == watches_.end()) continue;  // ended by one of the callbacks before
        const std::shared_ptr<Ready> ready = found->second;
        (*ready)(events[at].events);
    }
    expire();
    buried_.clear();
}

void EventLoop::run() {
    while (!stopped_) turn();
}

}  // namespace davit::resolver
