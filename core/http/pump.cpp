#include "http/pump.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>

#include "base/check.hpp"

namespace davit::http {
namespace {

// One direction: what has been read and not yet written.
struct Lane {
    std::array<std::byte, 64 * 1024> buffer;
    std::size_t begin = 0;
    std::size_t end = 0;
    bool source_ended = false;
    bool closed = false;  // the end has been passed on
};

class Pump : public std::enable_shared_from_this<Pump> {
  public:
    Pump(Reactor& reactor, std::unique_ptr<Stream> a, std::unique_ptr<Stream> b)
        : reactor_(reactor), a_(std::move(a)), b_(std::move(b)) {}

    // Reactor thread from here on.
    void start() {
        const auto self = shared_from_this();  // the reactor's callbacks keep it alive
        reactor_.add(a_->pollFd(), EPOLLIN, [self](std::uint32_t) { self->step(); });
        reactor_.add(b_->pollFd(), EPOLLIN, [self](std::uint32_t) { self->step(); });
        step();
    }

  private:
    void step() {
        const auto self = shared_from_this();
        if (over_) return;
        try {
            std::uint32_t on_a = 0;
            std::uint32_t on_b = 0;
            carry(*a_, *b_, forth_, on_a, on_b);
            carry(*b_, *a_, back_, on_b, on_a);
            if (forth_.closed && back_.closed) return finish();
            // A side that neither reads nor writes now must not be polled: its hang-up would spin.
            watch(*a_, on_a, watching_a_);
            watch(*b_, on_b, watching_b_);
        } catch (const Error&) {
            finish();  // one side is gone: so is the connection
        }
    }

    static std::uint32_t eventsFor(Stream::Outcome want) {
        return want == Stream::Outcome::want_write ? EPOLLOUT : EPOLLIN;
    }

    static void carry(Stream& from, Stream& to, Lane& lane, std::uint32_t& on_from, std::uint32_t& on_to) {
        while (!lane.closed) {
            if (lane.begin == lane.end && !lane.source_ended) {
                lane.begin = lane.end = 0;
                const Stream::Attempt attempt = from.tryRead(lane.buffer);
                if (attempt.outcome == Stream::Outcome::end) {
                    lane.source_ended = true;
                } else if (attempt.outcome == Stream::Outcome::done) {
                    lane.end = attempt.bytes;
                } else {
                    on_from |= eventsFor(attempt.outcome);
                    return;
                }
            }
            if (lane.begin == lane.end && lane.source_ended) {
                to.shutdownWrite();
                lane.closed = true;
                return;
            }
            const Stream::Attempt attempt =
                to.tryWrite(std::span(lane.buffer).subspan(lane.begin, lane.end - lane.begin));
            if (attempt.outcome == Stream::Outcome::end) throw Error(Code::cancelled, "closed");
            if (attempt.outcome != Stream::Outcome::done) {
                on_to |= eventsFor(attempt.outcome);
                return;
            }
            lane.begin += attempt.bytes;
        }
    }

    void watch(const Stream& stream, std::uint32_t events, bool& watching) {
        if (events == 0 && watching) {
            reactor_.remove(stream.pollFd());
            watching = false;
        } else if (events != 0 && !watching) {
            reactor_.add(stream.pollFd(), events, [self = shared_from_this()](std::uint32_t) { self->step(); });
            watching = true;
        } else if (events != 0) {
            reactor_.modify(stream.pollFd(), events);
        }
    }

    void finish() {
        over_ = true;
        watch(*a_, 0, watching_a_);
        watch(*b_, 0, watching_b_);
        a_.reset();
        b_.reset();
    }

    Reactor& reactor_;
    std::unique_ptr<Stream> a_;
    std::unique_ptr<Stream> b_;
    Lane forth_;
    Lane back_;
    bool watching_a_ = true;
    bool watching_b_ = true;
    bool over_ = false;
};

}  // namespace

UniqueFd pumpToSocket(Reactor& reactor, std::unique_ptr<Stream> stream) {
    int pair[2];
    check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), "create a socket pair");
    UniqueFd theirs(pair[1]);
    auto pump = std::make_shared<Pump>(reactor, std::move(stream), streamOf(UniqueFd(pair[0])));
    reactor.post([pump = std::move(pump)] { pump->start(); });
    return theirs;
}

}  // namespace davit::http
