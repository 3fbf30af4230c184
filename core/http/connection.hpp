// Connection: the server's side of one client connection. Internal to core/http.
//
// It is in one phase at a time. In `head` and `linger` the reactor thread alone owns it. In `busy` one exchange owns
// the reading side (reader_, the request's body), while the outgoing queue is shared with the reactor under mutex_. The
// exchange's end hands everything back to the reactor through post(), which is what orders the two. A worker whose handler has
// answered keeps the connection for a moment (held_): most clients that ask again do so at once, and their next request then wakes one
// thread instead of two.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/thread_annotations.hpp"
#include "http/codec.hpp"
#include "http/server.hpp"
#include "http/worker_pool.hpp"

namespace davit::http {

class Connection;

/// What connections share with their server; it outlives both.
struct ServerCore {
    explicit ServerCore(ServerOptions the_options) : options(std::move(the_options)), workers(options.max_workers) {}

    void report(const std::string& text) const {
        if (options.log) options.log(text);
    }

    ServerOptions options;
    Reactor reactor;
    WorkerPool workers;
    std::atomic<bool> stopping{false};
    std::atomic<std::size_t> open{0};
    std::function<void()> freed;                                  ///< reactor thread: a connection has gone
    std::unordered_set<std::shared_ptr<Connection>> connections;  ///< reactor thread
};

class Connection : public std::enable_shared_from_this<Connection> {
  public:
    static constexpr std::size_t kHighWater = 256 * 1024;

    Connection(std::shared_ptr<ServerCore> core, std::unique_ptr<Stream> stream, Peer peer);

    // Reactor thread.
    void start();
    /// Ends it whatever it does: a running exchange finds its client gone.
    void abort();
    [[nodiscard]] bool waitsForRequest() const noexcept { return phase_ == Phase::head; }

    // The exchange's side; see Exchange and BodyWriter for the contracts.
    [[nodiscard]] const RequestHead& request() const noexcept { return reader_.requestHead(); }
    [[nodiscard]] const Peer& peer() const noexcept { return peer_; }
    [[nodiscard]] bool hasBody() const noexcept { return reader_.hasBody(); }
    [[nodiscard]] ByteSource& body() noexcept { return source_; }
    void respond(unsigned status, Headers headers, std::string_view body);
    void startStream(unsigned status, Headers headers);
    [[nodiscard]] Hijacked hijack(std::string_view head);
    void onDisconnect(std::function<void()> gone) DAVIT_EXCLUDES(mutex_);
    void abandon() noexcept;

    // The body writer's side.
    void writeBody(std::span<const std::byte> data) DAVIT_EXCLUDES(mutex_);
    bool offerBody(std::string_view text) DAVIT_EXCLUDES(mutex_);
    void onDrained(std::function<void()> drained) DAVIT_EXCLUDES(mutex_);
    void finishBody();
    void breakOff() noexcept DAVIT_EXCLUDES(mutex_);

  private:
    enum class Phase { head, busy, linger, gone };

    class Source final : public ByteSource {
      public:
        explicit Source(Connection& connection) noexcept : connection_(connection) {}
        std::size_t read(std::span<std::byte> buffer) override { return connection_.readBody(buffer); }

      private:
        Connection& connection_;
    };

    // Reactor thread.
    void onReady(std::uint32_t events);
    void enterHead(std::chrono::milliseconds patience);
    void readHead();
    void beginExchange() DAVIT_EXCLUDES(mutex_);
    void refuse(const StatusError& failure);
    void peerGone(std::uint32_t events) DAVIT_EXCLUDES(mutex_);
    void flush() DAVIT_EXCLUDES(mutex_);
    void completed() DAVIT_EXCLUDES(mutex_);
    void linger();
    void discard();
    void close();
    void forget();
    void watch(std::uint32_t events);
    void updateWatch() DAVIT_EXCLUDES(mutex_);
    void armTimer(std::chrono::milliseconds delay, void (Connection::*action)());

    // In a worker.
    void handle();
    void serve();
    bool takeNext() DAVIT_EXCLUDES(mutex_);
    bool awaitHead();

    // Exchange's side.
    std::size_t readBody(std::span<std::byte> buffer) DAVIT_EXCLUDES(mutex_);
    void sendContinue();
    bool discardBody();
    void printAnswer(ResponseHead& head, std::string& out);
    void append(std::string_view text) DAVIT_EXCLUDES(mutex_);
    void appendLocked(std::string_view text) DAVIT_REQUIRES(mutex_);
    void writeOut() DAVIT_REQUIRES(mutex_);
    void waitBelow(std::size_t level, Deadline deadline) DAVIT_EXCLUDES(mutex_);
    void endAnswer() DAVIT_EXCLUDES(mutex_);
    [[nodiscard]] std::string frame(std::string_view data) const;
    [[nodiscard]] std::size_t pendingLocked() const DAVIT_REQUIRES(mutex_) { return out_.size() - out_done_; }
    void onReactor(const std::function<void()>& task);

    const std::shared_ptr<ServerCore> core_;
    const Peer peer_;
    std::unique_ptr<Stream> stream_;
    Source source_{*this};

    // Handed over with the phase.
    MessageReader reader_{MessageReader::Kind::request};
    bool answered_ = false;
    bool chunked_ = false;
    bool bodiless_ = false;     // HEAD, 204, 304
    bool close_after_ = false;  // no further request after this answer
    bool continue_sent_ = false;
    bool at_next_ = false;                ///< the reader has left the answered request behind
    std::optional<StatusError> refusal_;  ///< what came next is no request

    // Reactor thread only.
    Phase phase_ = Phase::head;
    Reactor::TimerId timer_ = 0;
    std::uint32_t watched_ = 0;  // 0: not in the reactor
    bool head_begun_ = false;

    Mutex mutex_;
    Condition drained_;  // out_ shrank or broken_ was set
    std::string out_ DAVIT_GUARDED_BY(mutex_);
    std::size_t out_done_ DAVIT_GUARDED_BY(mutex_) = 0;
    bool want_read_to_write_ DAVIT_GUARDED_BY(mutex_) = false;  // TLS wants to read before it can write
    bool flushing_ DAVIT_GUARDED_BY(mutex_) = false;            // the reactor has been asked to write out_
    bool broken_ DAVIT_GUARDED_BY(mutex_) = false;              // nothing can be sent any more
    bool peer_closed_ DAVIT_GUARDED_BY(mutex_) = false;         // the client has closed its side
    bool finished_ DAVIT_GUARDED_BY(mutex_) = false;            // the answer is complete in out_
    bool held_ DAVIT_GUARDED_BY(mutex_) = false;                // by the worker that answered: completed() comes from there
    std::uint64_t exchange_ DAVIT_GUARDED_BY(mutex_) = 0;       // which one it is: an earlier one's handler may still be ending
    std::function<void()> on_disconnect_ DAVIT_GUARDED_BY(mutex_);
    std::function<void()> on_drained_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::http
