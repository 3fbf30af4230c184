#include "api/log_follower.hpp"

#include <sys/epoll.h>

namespace davit::api {
namespace {
// A round of one follower: then others get the worker.
constexpr int kRecordsPerRound = 2000;
// How often a follower looks that the kernel won't wake: inotify instances are few (128 for a user by default).
constexpr std::chrono::milliseconds kPollInterval{300};
}  // namespace

LogFollower::LogFollower(const Context& context, std::unique_ptr<runtime::LogReader> reader, LogFormat format)
    : context_(context), reader_(std::move(reader)), format_(format) {}

void LogFollower::begin(Request& request, const char* content_type, const std::string& name) {
    const auto self = shared_from_this();
    auto ticket =
        context_.engine.containers().wait(name, engine::WaitCondition::not_running, [self](const engine::WaitResult&) {
            {
                const Lock lock(self->mutex_);
                self->container_ended_ = true;
            }
            self->wake();
        });
    const int fd = wakeDescriptor();
    {
        const Lock lock(mutex_);
        ticket_ = std::move(ticket);
        running_ = true;  // holds rounds back until the answer has begun
    }
    try {
        body_.emplace(request.startStream(200, content_type));
    } catch (const Error&) {
        end();
        throw;
    }
    request.exchange().onDisconnect([self] {
        {
            const Lock lock(self->mutex_);
            self->client_gone_ = true;
        }
        self->wake();
    });
    context_.server.reactor().post([self, fd] { self->watch(fd); });
    run();
}

int LogFollower::wakeDescriptor() {
    try {
        return reader_->fd();
    } catch (const Error&) {
        return -1;
    }
}

void LogFollower::watch(int fd) {
    const auto self = shared_from_this();
    {
        const Lock lock(mutex_);
        if (over_) return;
    }
    http::Reactor& reactor = context_.server.reactor();
    if (fd < 0) {
        wake();
        reactor.callAfter(kPollInterval, [self] { self->watch(-1); });
        return;
    }
    watched_ = fd;
    // Edge-triggered: the descriptor is read by the worker, not here.
    reactor.add(fd, EPOLLIN | EPOLLET, [self](std::uint32_t) { self->wake(); });
}

void LogFollower::wake() {
    {
        const Lock lock(mutex_);
        if (over_) return;
        again_ = true;
        if (running_) return;
        running_ = true;
    }
    context_.server.runInWorker([self = shared_from_this()] { self->run(); });
}

void LogFollower::run() {
    while (true) {
        bool ended = false;
        bool gone = false;
        {
            const Lock lock(mutex_);
            again_ = false;
            ended = container_ended_;
            gone = client_gone_;
        }
        bool done = gone;
        try {
            (void)wakeDescriptor();  // forgets old news: inotify doesn't wake for an event equal to one still unread
            // The end was seen before the reading: what the container wrote is all there.
            done = done || (sendAll() && ended) || reader_->finished();
        } catch (const Error&) {
            done = true;  // the client has gone
        }
        if (done) return end();
        const Lock lock(mutex_);
        if (again_) continue;
        running_ = false;
        return;
    }
}

// False when the client must take something first; wake() comes when it has.
bool LogFollower::sendAll() {
    const auto self = shared_from_this();
    for (int i = 0; i < kRecordsPerRound; ++i) {
        const auto record = reader_->next();
        if (!record) return true;
        if (body_->offer(formatRecord(*record, format_))) continue;
        body_->onDrained([self] { self->wake(); });
        return false;
    }
    const Lock lock(mutex_);
    again_ = true;
    return false;
}

void LogFollower::end() {
    std::unique_ptr<engine::WaitTicket> ticket;
    bool gone = false;
    {
        const Lock lock(mutex_);
        over_ = true;
        gone = client_gone_;
        ticket.swap(ticket_);
    }
    if (body_ && !gone) body_->finish();
    body_.reset();
    context_.server.reactor().post([self = shared_from_this()] {
        if (self->watched_ >= 0) self->context_.server.reactor().remove(self->watched_);
    });
}

}  // namespace davit::api
