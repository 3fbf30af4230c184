// davit-dial-tls: the CLI's way to daemons that it can't reach by itself, because a small static program has neither TLS nor
// name service. Connects, and carries bytes between its standard input (a socket) and the daemon.
//
//     davit-dial-tls HOST PORT plain
//     davit-dial-tls HOST PORT tls verify|skip-verify CA CERT KEY      (files; "" for none)
#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "base/check.hpp"
#include "http/stream.hpp"
#include "http/tls.hpp"

namespace {

using davit::http::Stream;

constexpr std::chrono::seconds kDialTime(30);

// One direction of the traffic.
class Flow {
  public:
    Flow(Stream& from, Stream& to) : from_(from), to_(to) {}

    // Moves what can be moved without waiting and notes in `fds` (from, to) what it waits for. True if something moved.
    bool advance(short& from_events, short& to_events) {
        if (done_) return false;
        if (pending_.empty()) return fill(from_events);
        const Stream::Attempt sent = to_.tryWrite(std::as_bytes(std::span(pending_)));
        if (sent.outcome == Stream::Outcome::done) {
            pending_.erase(0, sent.bytes);
            return true;
        }
        to_events |= sent.outcome == Stream::Outcome::want_read ? POLLIN : POLLOUT;
        return false;
    }
    [[nodiscard]] bool done() const { return done_; }

  private:
    bool fill(short& events) {
        std::byte buffer[32 * 1024];
        const Stream::Attempt got = from_.tryRead(buffer);
        if (got.outcome == Stream::Outcome::done) pending_.assign(reinterpret_cast<const char*>(buffer), got.bytes);
        if (got.outcome == Stream::Outcome::want_read) events |= POLLIN;
        if (got.outcome == Stream::Outcome::want_write) events |= POLLOUT;
        if (got.outcome == Stream::Outcome::end) {
            done_ = true;
            to_.shutdownWrite();
        }
        return got.outcome == Stream::Outcome::done || got.outcome == Stream::Outcome::end;
    }

    Stream& from_;
    Stream& to_;
    std::string pending_;
    bool done_ = false;
};

std::unique_ptr<Stream> connect(const std::vector<std::string>& arguments) {
    const std::string& host = arguments.at(0);
    const auto port = static_cast<std::uint16_t>(std::stoul(arguments.at(1)));
    if (arguments.at(2) != "tls") return davit::http::connectTcp(host, port, davit::http::after(kDialTime));
    return davit::http::connectTls({.host = host,
                                    .port = port,
                                    .files = {.ca = arguments.at(4), .cert = arguments.at(5), .key = arguments.at(6)},
                                    .verify = arguments.at(3) == "verify",
                                    .deadline = davit::http::after(kDialTime)});
}

void pump(Stream& local, Stream& remote) {
    Flow up(local, remote);
    Flow down(remote, local);
    while (!down.done()) {
        short local_events = 0;
        short remote_events = 0;
        const bool moved_up = up.advance(local_events, remote_events);
        const bool moved_down = down.advance(remote_events, local_events);
        if (moved_up || moved_down) continue;
        pollfd fds[] = {{local.pollFd(), local_events, 0}, {remote.pollFd(), remote_events, 0}};
        // With its input at the end, a hang-up of the local side means that the CLI is gone (poll would report it for ever).
        if (::poll(fds, 2, -1) > 0 && up.done() && (fds[0].revents & (POLLHUP | POLLERR)) != 0) return;
    }
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const std::vector<std::string> arguments(argv + 1, argv + argc);
        const std::unique_ptr<Stream> remote = connect(arguments);
        const std::unique_ptr<Stream> local = davit::http::streamOf(davit::UniqueFd(davit::check(::dup(STDIN_FILENO), "dup")));
        pump(*local, *remote);
        return 0;
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "davit-dial-tls: %s\n", failure.what());
        return 1;
    }
}
