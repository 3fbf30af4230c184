#include "http/stream.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/check.hpp"

namespace davit::http {
namespace {

class SocketStream final : public Stream {
  public:
    explicit SocketStream(UniqueFd socket) noexcept : socket_(std::move(socket)) {}

    Attempt tryRead(std::span<std::byte> buffer) override {
        return attempt([&] { return ::recv(socket_.get(), buffer.data(), buffer.size(), 0); }, Outcome::want_read,
                       "read");
    }
    Attempt tryWrite(std::span<const std::byte> data) override {
        if (data.empty()) return {};
        return attempt([&] { return ::send(socket_.get(), data.data(), data.size(), MSG_NOSIGNAL); },
                       Outcome::want_write, "write");
    }
    // Fails only when the peer is gone already.
    void shutdownWrite() noexcept override { (void)::shutdown(socket_.get(), SHUT_WR); }
    [[nodiscard]] int pollFd() const noexcept override { return socket_.get(); }
    [[nodiscard]] bool isPlain() const noexcept override { return true; }
    [[nodiscard]] UniqueFd releaseFd() noexcept override { return std::move(socket_); }

  private:
    template <typename Call>
    static Attempt attempt(Call call, Outcome blocked, const char* what) {
        while (true) {
            const ssize_t count = call();
            if (count > 0) return {Outcome::done, static_cast<std::size_t>(count)};
            if (count == 0) return {Outcome::end, 0};
            if (errno == EAGAIN || errno == EWOULDBLOCK) return {blocked, 0};
            if (errno == EINTR) continue;
            if (errno == ECONNRESET || errno == EPIPE)
                throw error(Code::cancelled, "{}: connection reset by peer", what);
            throw Error::system(std::string(what) + " on socket", errno);
        }
    }
    UniqueFd socket_;
};

}  // namespace

bool pollUntil(int fd, short events, Deadline deadline) {
    while (true) {
        int timeout = -1;
        if (deadline != kNever) {
            // Compared first: the distance from now to a moment such as Deadline::min() overflows.
            const auto now = std::chrono::steady_clock::now();
            const auto left = deadline <= now ? std::chrono::milliseconds(0)
                                              : std::chrono::ceil<std::chrono::milliseconds>(deadline - now);
            timeout = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 1'000'000'000));
        }
        pollfd entry{fd, events, 0};
        const int ready = ::poll(&entry, 1, timeout);
        if (ready > 0) return true;
        if (ready == 0) return false;
        if (errno != EINTR) throw Error::system("poll", errno);
    }
}

namespace {
void waitFor(const Stream& stream, Stream::Outcome want, Deadline deadline, const char* what) {
    const short events = want == Stream::Outcome::want_write ? POLLOUT : POLLIN;
    if (!pollUntil(stream.pollFd(), events, deadline)) throw error(Code::deadline, "{}: i/o timeout", what);
}
}  // namespace

std::size_t Stream::read(std::span<std::byte> buffer, Deadline deadline) {
    while (true) {
        const Attempt attempt = tryRead(buffer);
        if (attempt.outcome == Outcome::done) return attempt.bytes;
        if (attempt.outcome == Outcome::end) return 0;
        waitFor(*this, attempt.outcome, deadline, "read");
    }
}

void Stream::write(std::span<const std::byte> data, Deadline deadline) {
    while (!data.empty()) {
        const Attempt attempt = tryWrite(data);
        if (attempt.outcome == Outcome::done)
            data = data.subspan(attempt.bytes);
        else if (attempt.outcome == Outcome::end)
            throw error(Code::cancelled, "write: connection closed");
        else
            waitFor(*this, attempt.outcome, deadline, "write");
    }
}

std::unique_ptr<Stream> streamOf(UniqueFd socket) {
    const int flags = check(::fcntl(socket.get(), F_GETFL), "read the flags of a socket");
    check(::fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK), "make a socket non-blocking");
    return std::make_unique<SocketStream>(std::move(socket));
}

}  // namespace davit::http
