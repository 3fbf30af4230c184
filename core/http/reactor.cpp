#include "http/reactor.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <array>
#include <atomic>
#include <limits>
#include <map>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/check.hpp"
#include "base/thread_annotations.hpp"
#include "base/unique_fd.hpp"

namespace davit::http {

struct Reactor::Impl {
    // The generation tells an event of a descriptor that was closed and opened anew in the same round from a fresh one.
    struct Watch {
        std::uint32_t generation;
        std::uint32_t events;
        std::shared_ptr<Ready> ready;
    };
    using Clock = std::chrono::steady_clock;

    Impl()
        : epoll(check(::epoll_create1(EPOLL_CLOEXEC), "create an epoll descriptor")),
          wake(check(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "create an eventfd")) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = kWake;
        check(::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wake.get(), &event), "watch an eventfd");
    }

    void control(int operation, int fd, const Watch& watch) const {
        epoll_event event{};
        event.events = watch.events;
        event.data.u64 = (static_cast<std::uint64_t>(watch.generation) << 32) | static_cast<std::uint32_t>(fd);
        check(::epoll_ctl(epoll.get(), operation, fd, &event), "epoll_ctl on descriptor {}", fd);
    }

    void dispatch(const epoll_event& event) {
        const auto at = watches.find(static_cast<int>(event.data.u64 & 0xffffffffU));
        if (at == watches.end() || at->second.generation != static_cast<std::uint32_t>(event.data.u64 >> 32)) return;
        const auto ready = at->second.ready;  // it may remove itself
        (*ready)(event.events);
    }

    [[nodiscard]] int timeout() const {
        if (timers.empty()) return -1;
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(timers.begin()->first.first - Clock::now());
        return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
    }

    void runTimers() {
        const auto moment = Clock::now();
        while (!timers.empty() && timers.begin()->first.first <= moment) {
            auto node = timers.extract(timers.begin());
            due.erase(node.key().second);
            node.mapped()();
        }
    }

    void runPosted() {
        std::uint64_t count = 0;
        (void)!::read(wake.get(), &count, sizeof count);  // only resets the counter
        std::vector<Task> tasks;
        {
            const Lock lock(mutex);
            tasks.swap(posted);
        }
        for (Task& task : tasks) {
            task();
            task = nullptr;  // release its captures in order
        }
    }

    static constexpr std::uint64_t kWake = std::numeric_limits<std::uint64_t>::max();
    UniqueFd epoll;
    UniqueFd wake;
    std::uint32_t generations = 0;
    std::unordered_map<int, Watch> watches;
    std::map<std::pair<Clock::time_point, TimerId>, Task> timers;
    std::unordered_map<TimerId, Clock::time_point> due;
    TimerId last_timer = 0;
    std::atomic<std::thread::id> thread;
    std::atomic<bool> stopping{false};
    Mutex mutex;
    std::vector<Task> posted DAVIT_GUARDED_BY(mutex);
    bool closed DAVIT_GUARDED_BY(mutex) = false;
};

Reactor::Reactor() : impl_(std::make_unique<Impl>()) {}
Reactor::~Reactor() = default;

void Reactor::add(int fd, std::uint32_t events, Ready ready) {
    const Impl::Watch watch{++impl_->generations, events, std::make_shared<Ready>(std::move(ready))};
    impl_->control(EPOLL_CTL_ADD, fd, watch);
    impl_->watches.insert_or_assign(fd, watch);
}

void Reactor::modify(int fd, std::uint32_t events) {
    Impl::Watch& watch = impl_->watches.at(fd);
    if (watch.events == events) return;
    watch.events = events;
    impl_->control(EPOLL_CTL_MOD, fd, watch);
}

void Reactor::remove(int fd) noexcept {
    if (impl_->watches.erase(fd) == 0) return;
    (void)::epoll_ctl(impl_->epoll.get(), EPOLL_CTL_DEL, fd, nullptr);  // the descriptor is the caller's and open
}

Reactor::TimerId Reactor::callAfter(std::chrono::milliseconds delay, Task task) {
    const TimerId id = ++impl_->last_timer;
    const auto moment = Impl::Clock::now() + delay;
    impl_->timers.emplace(std::pair(moment, id), std::move(task));
    impl_->due.emplace(id, moment);
    return id;
}

void Reactor::cancel(TimerId timer) noexcept {
    const auto at = impl_->due.find(timer);
    if (at == impl_->due.end()) return;
    impl_->timers.erase({at->second, timer});
    impl_->due.erase(at);
}

void Reactor::post(Task task) {
    {
        const Lock lock(impl_->mutex);
        if (impl_->closed) return;
        impl_->posted.push_back(std::move(task));
        if (impl_->posted.size() > 1) return;  // the wake-up is under way
    }
    const std::uint64_t one = 1;
    (void)!::write(impl_->wake.get(), &one, sizeof one);  // fails only when the counter is already above zero
}

bool Reactor::onThread() const noexcept { return impl_->thread.load() == std::this_thread::get_id(); }

void Reactor::run() {
    impl_->thread = std::this_thread::get_id();
    std::array<epoll_event, 128> events{};
    while (!impl_->stopping) {
        const int count =
            ::epoll_wait(impl_->epoll.get(), events.data(), static_cast<int>(events.size()), impl_->timeout());
        if (count < 0 && errno != EINTR) throw Error::system("epoll_wait", errno);
        for (int i = 0; i < count; ++i) {
            const epoll_event& event = events[static_cast<std::size_t>(i)];
            if (event.data.u64 == Impl::kWake)
                impl_->runPosted();
            else
                impl_->dispatch(event);
        }
        impl_->runTimers();
    }
    std::vector<Task> rest;
    {
        const Lock lock(impl_->mutex);
        impl_->closed = true;
        rest.swap(impl_->posted);
    }
}

void Reactor::stop() noexcept {
    impl_->stopping = true;
    const std::uint64_t one = 1;
    (void)!::write(impl_->wake.get(), &one, sizeof one);  // as in post()
}

}  // namespace davit::http
