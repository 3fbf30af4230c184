// The reactor's side of a connection: reading heads, writing what a slow client left in the queue, noticing its end.
#include "http/connection.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>

namespace davit::http {
namespace {
constexpr std::chrono::seconds kLingerTime{2};
}

Connection::Connection(std::shared_ptr<ServerCore> core, std::unique_ptr<Stream> stream, Peer peer)
    : core_(std::move(core)), peer_(std::move(peer)), stream_(std::move(stream)) {}

void Connection::start() {
    core_->connections.insert(shared_from_this());
    ++core_->open;
    enterHead(core_->options.head_timeout);
    readHead();
}

void Connection::onReady(std::uint32_t events) {
    switch (phase_) {
        case Phase::head: readHead(); break;
        case Phase::linger: discard(); break;
        case Phase::gone: break;
        case Phase::busy:
            if ((events & (EPOLLOUT | EPOLLIN)) != 0) flush();
            if (phase_ == Phase::busy && (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) peerGone(events);
            break;
    }
}

void Connection::enterHead(std::chrono::milliseconds patience) {
    phase_ = Phase::head;
    head_begun_ = false;
    armTimer(patience, &Connection::close);
    watch(EPOLLIN);
}

void Connection::readHead() {
    static thread_local std::array<std::byte, 16 * 1024> block;
    const auto self = shared_from_this();
    try {
        while (true) {
            if (reader_.hasRest() && !head_begun_) {
                head_begun_ = true;
                armTimer(core_->options.head_timeout, &Connection::close);
            }
            if (reader_.hasRest() && reader_.parseHead()) return beginExchange();
            const Stream::Attempt attempt = stream_->tryRead(block);
            if (attempt.outcome == Stream::Outcome::end) return close();
            if (attempt.outcome == Stream::Outcome::want_read) return watch(EPOLLIN);
            if (attempt.outcome == Stream::Outcome::want_write) return watch(EPOLLOUT);
            reader_.feed(std::span(block).first(attempt.bytes));
        }
    } catch (const StatusError& failure) {
        refuse(failure);
    } catch (const Error&) {
        close();  // reset by the client, or no TLS handshake came about
    }
}

void Connection::beginExchange() {
    core_->reactor.cancel(timer_);
    phase_ = Phase::busy;
    answered_ = chunked_ = bodiless_ = continue_sent_ = false;
    close_after_ = !reader_.keepAlive();
    {
        const Lock lock(mutex_);
        finished_ = peer_closed_ = false;
        ++exchange_;
    }
    watch(EPOLLRDHUP);
    try {
        core_->workers.run([self = shared_from_this()] { self->handle(); });
    } catch (const std::exception& failure) {  // not one thread to be had
        core_->report(std::string("start a worker: ") + failure.what());
        close();
    }
}

// An answer to something that is no request: nothing more on this connection can be understood.
void Connection::refuse(const StatusError& failure) {
    const std::string body = failure.text() + "\n";
    ResponseHead head{failure.status(),
                      {},
                      11,
                      {{"Content-Type", "text/plain; charset=utf-8"},
                       {"Connection", "close"},
                       {"Content-Length", std::to_string(body.size())}}};
    const std::string message = printHead(head) + body;
    try {
        // A fresh queue: a client that doesn't take this much at once isn't worth waiting for.
        (void)stream_->tryWrite(std::as_bytes(std::span(message)));
        linger();
    } catch (const Error&) {
        close();
    }
}

void Connection::peerGone(std::uint32_t events) {
    const auto self = shared_from_this();
    std::function<void()> gone;
    std::function<void()> drained;
    bool finished = false;
    {
        const Lock lock(mutex_);
        peer_closed_ = true;
        gone.swap(on_disconnect_);
        if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
            broken_ = true;
            drained.swap(on_drained_);
            finished = finished_;
            drained_.notify_all();
        }
    }
    updateWatch();
    if (gone) gone();
    if (drained) drained();
    if (finished) completed();
}

void Connection::flush() {
    std::function<void()> drained;
    bool finished = false;
    {
        const Lock lock(mutex_);
        writeOut();
        if (pendingLocked() == 0 || broken_) {
            flushing_ = false;
            finished = finished_;
            drained.swap(on_drained_);
        }
        drained_.notify_all();
    }
    updateWatch();
    if (drained) drained();
    if (finished) completed();
}

// The answer has been sent (or can't be): the next request, or the end.
void Connection::completed() {
    const auto self = shared_from_this();
    if (phase_ != Phase::busy) return;
    {
        const Lock lock(mutex_);
        if (!finished_ || held_ || (pendingLocked() > 0 && !broken_)) return;
        if (broken_) return close();
    }
    if (refusal_) return refuse(*refusal_);
    const bool done = at_next_ || reader_.bodyDone();
    if (close_after_ || core_->stopping || !done) return done && !reader_.hasRest() ? close() : linger();
    if (!at_next_) reader_.next();
    at_next_ = false;
    enterHead(core_->options.idle_timeout);
    readHead();
}

// Closing a socket with unread input resets it, which may destroy the answer on its way: read on for a moment.
void Connection::linger() {
    phase_ = Phase::linger;
    stream_->shutdownWrite();
    armTimer(kLingerTime, &Connection::close);
    watch(EPOLLIN);
}

void Connection::discard() {
    static thread_local std::array<std::byte, 16 * 1024> block;
    const auto self = shared_from_this();
    try {
        for (int round = 0; round < 16; ++round) {
            const Stream::Attempt attempt = stream_->tryRead(block);
            if (attempt.outcome == Stream::Outcome::end) return close();
            if (attempt.outcome != Stream::Outcome::done) return;
        }
    } catch (const Error&) {
        close();
    }
}

void Connection::close() {
    const auto self = shared_from_this();
    if (phase_ == Phase::gone) return;
    stream_->shutdownWrite();
    watch(0);
    stream_.reset();
    forget();
}

void Connection::forget() {
    phase_ = Phase::gone;
    core_->reactor.cancel(timer_);
    core_->connections.erase(shared_from_this());
    --core_->open;
    if (core_->freed) core_->freed();
}

void Connection::abort() {
    const auto self = shared_from_this();
    if (phase_ != Phase::busy) return close();
    // An exchange owns the stream: make its reads and writes fail, and let its end close the rest.
    (void)::shutdown(stream_->pollFd(), SHUT_RDWR);
    peerGone(EPOLLHUP);
}

void Connection::watch(std::uint32_t events) {
    const int fd = stream_->pollFd();
    if (events == watched_) return;
    if (events == 0)
        core_->reactor.remove(fd);
    else if (watched_ == 0)
        core_->reactor.add(fd, events, [this](std::uint32_t happened) { shared_from_this()->onReady(happened); });
    else
        core_->reactor.modify(fd, events);
    watched_ = events;
}

// What a busy connection waits for. A hang-up can't be masked, so a broken one leaves the reactor altogether.
void Connection::updateWatch() {
    if (phase_ != Phase::busy) return;
    std::uint32_t events = 0;
    {
        const Lock lock(mutex_);
        if (!broken_ && !peer_closed_) events |= EPOLLRDHUP;
        if (!broken_ && flushing_) events |= want_read_to_write_ ? EPOLLIN : EPOLLOUT;
        if (!broken_ && events == 0) events = EPOLLERR;  // reported anyway: stay registered
    }
    watch(events);
}

void Connection::armTimer(std::chrono::milliseconds delay, void (Connection::*action)()) {
    core_->reactor.cancel(timer_);
    timer_ = core_->reactor.callAfter(delay, [this, action] { (shared_from_this().get()->*action)(); });
}

}  // namespace davit::http
