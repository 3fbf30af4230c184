#include "engine/restarter.hpp"

#include <pthread.h>

#include <exception>

#include "base/log.hpp"

namespace davit::engine {

Restarter::Restarter() : thread_([this] { loop(); }) {}

Restarter::~Restarter() { stop(); }

void Restarter::begin() {
    {
        const Lock lock(mutex_);
        begun_ = true;
    }
    changed_.notify_all();
}

void Restarter::schedule(SteadyTime moment, std::string what, std::function<void()> start) {
    {
        const Lock lock(mutex_);
        if (stopping_) return;
        tasks_.emplace(moment, Task{std::move(what), std::move(start)});
    }
    changed_.notify_all();
}

void Restarter::stop() {
    {
        const Lock lock(mutex_);
        stopping_ = true;
        tasks_.clear();
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void Restarter::loop() {
    (void)::pthread_setname_np(::pthread_self(), "davit-restarts");  // a name for debuggers
    while (true) {
        Task task;
        {
            const Lock lock(mutex_);
            while (!stopping_ && (!begun_ || tasks_.empty() || tasks_.begin()->first > std::chrono::steady_clock::now())) {
                if (!begun_ || tasks_.empty()) {
                    changed_.wait(mutex_);
                    continue;
                }
                const SteadyTime moment = tasks_.begin()->first;  // looked at again after the wait, when the task may be gone
                (void)changed_.wait_until(mutex_, moment);
            }
            if (stopping_) return;
            task = std::move(tasks_.extract(tasks_.begin()).mapped());
        }
        try {
            task.start();
        } catch (const std::exception& failure) {  // a thread's entry
            log::error("{}: {}", task.what, failure.what());
        }
    }
}

}  // namespace davit::engine
