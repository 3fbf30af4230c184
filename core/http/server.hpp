// Server: HTTP/1.1 for davitd and davit-plugin-host.
//
// One reactor thread owns the listeners and every connection that waits: for a request's head, for an event that a
// deferred answer needs, for a slow client to take more bytes. A bounded pool of workers runs the handlers. A handler
// gets an Exchange: it may answer at once, or move it away and answer later from any thread, holding no worker
// meanwhile.
//
//     Server server({.handler = [](Exchange exchange) { exchange.respond(200, {}, "hello\n"); }});
//     server.listen(listenUnix({.path = "/run/x.sock"}));
//     server.start();  …  server.stop(10s);
//
// What the server refuses by itself: malformed messages (400), heads above 64 KiB (431), heads slower than 30 s. More
// than `max_connections` wait in the kernel's queue.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/byte_stream.hpp"
#include "http/listener.hpp"
#include "http/message.hpp"
#include "http/reactor.hpp"
#include "http/stream.hpp"

namespace davit::http {

class Connection;  // internal

/// The streamed body of an answer (chunked for HTTP/1.1). Owned by whoever produces it; destroying it without finish()
/// breaks the connection, so that the client sees a cut answer and not a complete one. One producer thread at a time.
class BodyWriter final : public ByteSink {
  public:
    BodyWriter(BodyWriter&&) noexcept;
    BodyWriter& operator=(BodyWriter&&) noexcept;
    ~BodyWriter() override;

    /// Blocks while more than the high-water mark (256 KiB) waits for the client. Throws Error{cancelled} when the
    /// client is gone, Error{deadline} when it takes nothing for ten minutes.
    void write(std::span<const std::byte> data) override;
    void write(std::string_view text) { write(std::as_bytes(std::span(text))); }

    /// Never blocks: queues the bytes. False when the queue is above the high-water mark: then wait for onDrained().
    /// Throws Error{cancelled} when the client is gone.
    [[nodiscard]] bool offer(std::string_view text);
    /// `drained` runs once on the reactor thread when the queue is empty again (at once if it is), or the client is
    /// gone.
    void onDrained(std::function<void()> drained);

    /// Ends the body; the connection serves its next request.
    void finish();

  private:
    friend class Exchange;
    explicit BodyWriter(std::shared_ptr<Connection> connection) noexcept;
    std::shared_ptr<Connection> connection_;
};

/// One request and the duty to answer it exactly once. Movable; answered from any one thread at a time. Destroyed
/// unanswered it answers 500.
class Exchange {
  public:
    Exchange(Exchange&&) noexcept;
    Exchange& operator=(Exchange&&) noexcept;
    ~Exchange();

    [[nodiscard]] const RequestHead& request() const noexcept;
    [[nodiscard]] const Peer& peer() const noexcept;

    /// The request's body, decoded. Blocks: in a handler only. Throws Error{invalid} for a malformed body,
    /// Error{cancelled} when the client is gone, Error{deadline} after five minutes without a byte.
    [[nodiscard]] ByteSource& body();
    /// The whole body; StatusError 413 when longer than `limit`.
    [[nodiscard]] std::string readBody(std::size_t limit = kMaxJsonBody);
    /// Whether a body was announced at all.
    [[nodiscard]] bool hasBody() const noexcept;

    /// Answers. Content-Length is added; no body goes out for HEAD, 204 and 304. Afterwards the connection may be at
    /// its next request already: only answered() and the destructor are left to call.
    void respond(unsigned status, Headers headers, std::string_view body);
    /// Answers with a body that follows.
    [[nodiscard]] BodyWriter startStream(unsigned status, Headers headers);
    /// Leaves HTTP: sends `head` verbatim ("HTTP/1.1 101 UPGRADED\r\n…\r\n\r\n") and gives the stream away, with what
    /// the client has sent after its request.
    [[nodiscard]] Hijacked hijack(std::string_view head);

    /// Whether the answer has been started.
    [[nodiscard]] bool answered() const noexcept { return answered_; }
    /// False when it was answered, or moved away.
    [[nodiscard]] bool open() const noexcept { return connection_ != nullptr && !answered_; }
    /// `gone` runs at most once, on the reactor thread, when the client closes before the answer's end; never after it.
    /// Its captures are released with the exchange.
    void onDisconnect(std::function<void()> gone);

  private:
    friend class Connection;
    explicit Exchange(std::shared_ptr<Connection> connection) noexcept;
    std::shared_ptr<Connection> connection_;
    bool answered_ = false;  // here, as the connection's own may belong to the next request already
};

struct ServerOptions {
    /// Runs in a worker. What it throws is answered with 500 if nothing was answered yet.
    std::function<void(Exchange)> handler{};
    std::size_t max_connections = 4096;  ///< hijacked ones don't count
    std::size_t max_workers = 64;
    std::chrono::milliseconds head_timeout{30'000};
    std::chrono::milliseconds idle_timeout{300'000};
    std::function<void(std::string)> log{};  ///< gets one line per internal failure; may be empty
};

class Server {
  public:
    explicit Server(ServerOptions options);
    /// stop(0).
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Before or after start(); any thread.
    void listen(Listener listener);
    /// Starts the reactor thread.
    void start();
    /// Stops accepting, closes idle connections, waits up to `grace` for running handlers, closes the rest. Idempotent.
    void stop(std::chrono::milliseconds grace);

    [[nodiscard]] Reactor& reactor() noexcept;
    /// Runs `task` in a worker. Any thread.
    void runInWorker(std::function<void()> task);
    /// Open connections, for tests and metrics.
    [[nodiscard]] std::size_t connections() const noexcept;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace davit::http
