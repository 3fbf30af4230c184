#include "cli/session.hpp"

#include <poll.h>
#include <unistd.h>

#include <array>

#include "base/check.hpp"
#include "cli/frames.hpp"
#include "cli/signals.hpp"

namespace davit::cli {
namespace {

class Session {
  public:
    Session(http::Hijacked& remote, const SessionOptions& options)
        : stream_(*remote.stream),
          options_(options),
          decoder_(options.tty),
          filter_(options.tty && options.forward_in ? options.detach_keys : std::string()),
          input_open_(options.forward_in) {
        print(remote.early);
    }

    SessionEnd run() {
        for (;;) {
            std::array<pollfd, 3> fds = interests();
            if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) check(-1, "poll");
            if (fds[2].revents != 0) handleSignals();
            if (fds[0].revents != 0) {
                if (!pending_.empty()) sendPending();
                if (!receive()) return SessionEnd::closed;
            }
            if (fds[1].revents != 0) readInput();
            if (filter_.detached()) return SessionEnd::detached;
        }
    }

  private:
    [[nodiscard]] std::array<pollfd, 3> interests() const {
        const short remote_events = static_cast<short>(POLLIN | (pending_.empty() ? 0 : POLLOUT));
        return {pollfd{stream_.pollFd(), remote_events, 0},
                pollfd{input_open_ && pending_.empty() ? STDIN_FILENO : -1, POLLIN, 0},
                pollfd{options_.signals != nullptr ? options_.signals->fd() : -1, POLLIN, 0}};
    }

    void handleSignals() {
        while (const int number = options_.signals->next()) {
            if (number == SIGWINCH && options_.on_resize) options_.on_resize();
            if (number != SIGWINCH && options_.on_signal) options_.on_signal(number);
        }
    }

    void print(std::string_view bytes) {
        if (options_.output && !bytes.empty()) decoder_.feed(bytes);
    }

    // False at the end of the container's side.
    bool receive() {
        std::array<std::byte, 32 * 1024> buffer;
        for (int rounds = 0; rounds < 16; ++rounds) {  // bounded, so that signals and input get their turn
            try {
                const http::Stream::Attempt got = stream_.tryRead(buffer);
                if (got.outcome == http::Stream::Outcome::end) return false;
                if (got.outcome != http::Stream::Outcome::done) return true;
                print({reinterpret_cast<const char*>(buffer.data()), got.bytes});
            } catch (const Error& failure) {
                if (failure.code() == Code::cancelled) return false;  // reset by the daemon: as good as an end
                throw;
            }
        }
        return true;
    }

    void readInput() {
        char buffer[32 * 1024];
        const ssize_t size = ::read(STDIN_FILENO, buffer, sizeof buffer);
        if (size < 0 && (errno == EINTR || errno == EAGAIN)) return;
        if (size <= 0) {  // also EIO: the terminal is gone
            input_open_ = false;
            stream_.shutdownWrite();
            return;
        }
        const std::string_view typed(buffer, static_cast<std::size_t>(size));
        pending_ = options_.tty ? filter_.feed(typed) : std::string(typed);
        sendPending();
    }

    void sendPending() {
        while (!pending_.empty()) {
            try {
                const http::Stream::Attempt sent = stream_.tryWrite(std::as_bytes(std::span(pending_)));
                if (sent.outcome != http::Stream::Outcome::done) return;
                pending_.erase(0, sent.bytes);
            } catch (const Error&) {  // nobody reads any more; what the container still says comes through receive()
                pending_.clear();
                input_open_ = false;
            }
        }
    }

    http::Stream& stream_;
    const SessionOptions& options_;
    FrameDecoder decoder_;
    DetachFilter filter_;
    bool input_open_;
    std::string pending_;
};

}  // namespace

SessionEnd runSession(http::Hijacked& remote, const SessionOptions& options) {
    std::unique_ptr<RawTerminal> raw;
    if (options.tty && options.forward_in) raw = std::make_unique<RawTerminal>(STDIN_FILENO);
    return Session(remote, options).run();
}

}  // namespace davit::cli
