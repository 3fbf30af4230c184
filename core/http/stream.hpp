// Stream: a connected byte stream (unix socket, TCP, TLS) whose every wait has a deadline.
//
// A stream's descriptor is always non-blocking; read() and write() poll. One reader and one writer thread at a time;
// the two may differ. close() and the destructor are the owner's.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/unique_fd.hpp"

namespace davit::http {

/// A moment on the monotonic clock; kNever waits for ever.
using Deadline = SteadyTime;
inline constexpr Deadline kNever = Deadline::max();
[[nodiscard]] inline Deadline after(std::chrono::milliseconds delay) {
    return std::chrono::steady_clock::now() + delay;
}

class Stream {
  public:
    /// What a non-blocking attempt came to.
    enum class Outcome { done, end, want_read, want_write };
    struct Attempt {
        Outcome outcome = Outcome::done;
        std::size_t bytes = 0;  ///< with `done`: at least 1
    };

    virtual ~Stream() = default;
    Stream() = default;
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    /// Never waits. Throws Error{cancelled} when the peer has reset the connection, Error{system} otherwise.
    virtual Attempt tryRead(std::span<std::byte> buffer) = 0;
    virtual Attempt tryWrite(std::span<const std::byte> data) = 0;
    /// Sends the end of our side (TCP FIN, TLS close_notify); reading goes on.
    virtual void shutdownWrite() noexcept = 0;
    /// The descriptor to poll; with TLS it carries cipher text.
    [[nodiscard]] virtual int pollFd() const noexcept = 0;
    /// True when plain bytes can be read and written on pollFd() by somebody else: false with TLS.
    [[nodiscard]] virtual bool isPlain() const noexcept = 0;
    /// Gives up the descriptor of a plain stream (still non-blocking); the stream is dead afterwards. Empty with TLS.
    [[nodiscard]] virtual UniqueFd releaseFd() noexcept = 0;

    /// The descriptor of a plain stream, -1 with TLS.
    [[nodiscard]] int fd() const noexcept { return isPlain() ? pollFd() : -1; }

    /// At least one byte; 0 is the end of the peer's side. Throws Error{deadline} when `deadline` passes.
    std::size_t read(std::span<std::byte> buffer, Deadline deadline);
    /// All of `data`. Throws Error{deadline}, Error{cancelled} when the peer is gone.
    void write(std::span<const std::byte> data, Deadline deadline);
    void write(std::string_view text, Deadline deadline) { write(std::as_bytes(std::span(text)), deadline); }
};

/// A connection that has left HTTP: the stream and what of it had been read already.
struct Hijacked {
    std::unique_ptr<Stream> stream;
    std::string early;  ///< bytes of the new protocol that came with the head
};

/// Takes a connected socket and makes it non-blocking.
[[nodiscard]] std::unique_ptr<Stream> streamOf(UniqueFd socket);

/// Throw Error::system ("dial unix /x.sock: connect: connection refused" as Go words it: clients print it).
[[nodiscard]] std::unique_ptr<Stream> connectUnix(const std::string& path, Deadline deadline);
/// Tries every address of the host. Names go through getaddrinfo.
[[nodiscard]] std::unique_ptr<Stream> connectTcp(const std::string& host, std::uint16_t port, Deadline deadline);

/// Waits for `events` (POLLIN, POLLOUT) on `fd`; false when the deadline passes.
[[nodiscard]] bool pollUntil(int fd, short events, Deadline deadline);

}  // namespace davit::http
