#include "engine/background.hpp"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "base/log.hpp"

namespace davit::engine {

TaskQueue::TaskQueue(std::string name, bool low_priority, std::function<void(std::size_t)> may_run)
    : name_(std::move(name)), may_run_(std::move(may_run)), thread_([this, low_priority] { loop(low_priority); }) {}

TaskQueue::~TaskQueue() { stop(); }

void TaskQueue::post(std::string what, std::function<void()> task) {
    {
        const Lock lock(mutex_);
        tasks_.push_back({std::move(what), std::move(task)});
    }
    changed_.notify_all();
}

bool TaskQueue::drain(std::chrono::milliseconds timeout) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    const Lock lock(mutex_);
    while (working_ || !tasks_.empty()) {
        if (stopping_) return false;
        if (changed_.wait_until(mutex_, deadline) == std::cv_status::timeout) return tasks_.empty() && !working_;
    }
    return true;
}

void TaskQueue::stop() {
    {
        const Lock lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void TaskQueue::loop(bool low_priority) {
    (void)::pthread_setname_np(::pthread_self(), name_.c_str());  // a name too long stays unset
    // On Linux a nice value is a thread's. Refused without privilege: then it stays as it is.
    if (low_priority) (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), 10);
    while (true) {
        Task task;
        std::size_t backlog = 0;
        {
            const Lock lock(mutex_);
            working_ = false;
            changed_.notify_all();
            while (tasks_.empty() && !stopping_) changed_.wait(mutex_);
            if (stopping_) return;
            task = std::move(tasks_.front());
            tasks_.pop_front();
            backlog = tasks_.size();
            working_ = true;
        }
        if (may_run_) may_run_(backlog);
        try {
            task.run();
        } catch (const std::exception& failure) {
            log::error("{}: {}", task.what, failure.what());
        } catch (...) {
            log::error("{}: unknown failure", task.what);
        }
    }
}

void TaskLanes::post(const std::string& lane, std::string what, std::function<void()> task) {
    std::vector<std::shared_ptr<TaskQueue>> idle;  // ended after the lock
    {
        const Lock lock(mutex_);
        if (stopped_) return;
        for (auto at = lanes_.begin(); at != lanes_.end();) {
            const bool done = at->first != lane && at->second->drain(std::chrono::milliseconds(0));
            if (done) idle.push_back(at->second);
            at = done ? lanes_.erase(at) : std::next(at);
        }
        std::shared_ptr<TaskQueue>& found = lanes_[lane];
        if (!found) found = std::make_shared<TaskQueue>("davit-lane", true);
        found->post(std::move(what), std::move(task));  // under the lock: nobody ends the queue meanwhile
    }
}

std::vector<std::shared_ptr<TaskQueue>> TaskLanes::lanes() {
    std::vector<std::shared_ptr<TaskQueue>> all;
    const Lock lock(mutex_);
    for (const auto& [name, queue] : lanes_) all.push_back(queue);
    return all;
}

bool TaskLanes::drain(std::chrono::milliseconds timeout) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    bool done = true;
    for (const std::shared_ptr<TaskQueue>& queue : lanes()) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        done = queue->drain(std::max(left, std::chrono::milliseconds(0))) && done;
    }
    return done;
}

void TaskLanes::stop() {
    {
        const Lock lock(mutex_);
        stopped_ = true;
    }
    for (const std::shared_ptr<TaskQueue>& queue : lanes()) queue->stop();
}

void StartGate::waitQuiet(std::chrono::milliseconds at_most) {
    const auto deadline = std::chrono::steady_clock::now() + at_most;
    const Lock lock(mutex_);
    while (starts_ > 0)
        if (quiet_.wait_until(mutex_, deadline) == std::cv_status::timeout) return;
}

void StartGate::enter() {
    const Lock lock(mutex_);
    ++starts_;
}

void StartGate::leave() {
    {
        const Lock lock(mutex_);
        --starts_;
    }
    quiet_.notify_all();
}

}  // namespace davit::engine
