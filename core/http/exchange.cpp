// The exchange's side of a connection: the request's body in, the answer out.
#include <poll.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <future>
#include <utility>

#include "base/check.hpp"
#include "http/connection.hpp"

namespace davit::http {
namespace {
constexpr std::chrono::minutes kBodyPatience{5};
constexpr std::chrono::minutes kWritePatience{10};
constexpr std::chrono::seconds kHijackPatience{30};
constexpr std::size_t kBlock = 64 * 1024;
constexpr std::size_t kDiscardLimit = 256 * 1024;

constexpr std::chrono::milliseconds kStay{1};  // for the next request, in the worker that answered the last

// The exchange whose handler runs on this thread. Another thread may answer it, and then a later one's handler runs beside this one.
struct Serving {
    const Connection* connection = nullptr;
    std::uint64_t exchange = 0;
    bool holds = false;  ///< it was answered here: the connection stays with this thread
};
thread_local Serving t_serving;

Error clientGone() { return {Code::cancelled, "the client has closed the connection"}; }
}  // namespace

void Connection::handle() {
    do serve();
    while (takeNext());
}

void Connection::serve() {
    {
        const Lock lock(mutex_);
        t_serving = {.connection = this, .exchange = exchange_};
    }
    {
        Exchange exchange(shared_from_this());
        try {
            core_->options.handler(std::move(exchange));
        } catch (const std::exception& failure) {
            core_->report(std::string("handler failed: ") + failure.what());
        } catch (...) {  // a thread's entry: what a handler throws must not end the process
            core_->report("handler failed");
        }
    }
    t_serving.connection = nullptr;
}

// Whether the next request is here. If not, and this thread held the connection, the reactor has it again.
bool Connection::takeNext() {
    if (!std::exchange(t_serving.holds, false)) return false;
    bool taken = false;
    try {
        taken = awaitHead();
    } catch (const StatusError& failure) {
        refusal_ = failure;
    } catch (const Error&) {  // reset by the client, which the reactor sees as well
    }
    bool closed = false;
    {
        const Lock lock(mutex_);
        held_ = false;
        closed = peer_closed_;
        if (taken) {
            finished_ = peer_closed_ = false;
            ++exchange_;
        }
    }
    // The reactor tells each exchange anew that the client has closed its side.
    if (!taken || closed) core_->reactor.post([self = shared_from_this(), taken] { taken ? self->updateWatch() : self->completed(); });
    return taken;
}

bool Connection::awaitHead() {
    static thread_local std::array<std::byte, 16 * 1024> block;
    if (close_after_ || core_->stopping || !reader_.bodyDone() || !stream_->isPlain() || !core_->workers.hasRoom()) return false;
    reader_.next();
    at_next_ = true;
    const Deadline until = after(kStay);
    while (!reader_.hasRest() || !reader_.parseHead()) {
        const Stream::Attempt attempt = stream_->tryRead(block);
        if (attempt.outcome == Stream::Outcome::end) return false;
        if (attempt.outcome == Stream::Outcome::done)
            reader_.feed(std::span(block).first(attempt.bytes));
        else if (!pollUntil(stream_->pollFd(), POLLIN, until))
            return false;
    }
    at_next_ = answered_ = chunked_ = bodiless_ = continue_sent_ = false;
    close_after_ = !reader_.keepAlive();
    return true;
}

std::size_t Connection::readBody(std::span<std::byte> buffer) {
    static thread_local std::vector<std::byte> block(kBlock);
    {
        const Lock lock(mutex_);
        if (finished_)
            throw error(Code::cancelled, "the request has been answered");  // the reactor has the stream again
    }
    try {
        while (true) {
            std::size_t count = 0;
            const auto state = reader_.readBody(buffer, count);
            if (state == MessageReader::Body::data) return count;
            if (state == MessageReader::Body::end) return 0;
            sendContinue();
            const std::size_t arrived = stream_->read(block, after(kBodyPatience));
            if (arrived == 0)
                reader_.finishAtEnd();
            else
                reader_.feed(std::span(block).first(arrived));
        }
    } catch (const Error&) {
        close_after_ = true;
        throw;
    }
}

void Connection::sendContinue() {
    if (continue_sent_ || answered_ || request().version < 11) return;
    continue_sent_ = true;
    if (request().headers.hasToken("Expect", "100-continue")) append("HTTP/1.1 100 Continue\r\n\r\n");
}

// Takes what is left of a small body, without waiting, so that the connection can go on. False when more is left.
bool Connection::discardBody() {
    std::array<std::byte, 16 * 1024> block;
    std::size_t total = 0;
    try {
        while (!close_after_ && !reader_.bodyDone() && total < kDiscardLimit) {
            std::size_t count = 0;
            if (reader_.readBody(block, count) != MessageReader::Body::need_more) {
                total += count;
                continue;
            }
            const Stream::Attempt attempt = stream_->tryRead(block);
            if (attempt.outcome != Stream::Outcome::done) return false;
            reader_.feed(std::span(block).first(attempt.bytes));
        }
    } catch (const Error&) {
        return false;
    }
    return reader_.bodyDone();
}

void Connection::printAnswer(ResponseHead& head, std::string& out) {
    head.version = request().version;
    bodiless_ = request().method == "HEAD" || head.status == 204 || head.status == 304;
    if (close_after_ || core_->stopping)
        head.headers.set("Connection", "close");
    else if (request().version < 11)
        head.headers.set("Connection", "keep-alive");
    out = printHead(head);
}

void Connection::respond(unsigned status, Headers headers, std::string_view body) {
    answered_ = true;
    if (!discardBody()) close_after_ = true;
    ResponseHead head{status, {}, 11, std::move(headers)};
    if (status != 204 && status != 304) head.headers.set("Content-Length", std::to_string(body.size()));
    std::string message;
    printAnswer(head, message);
    if (!bodiless_) message += body;
    try {
        append(message);
    } catch (const Error&) {
        // The client is gone: nobody to tell, and no failure of the handler's.
    }
    endAnswer();
}

void Connection::startStream(unsigned status, Headers headers) {
    answered_ = true;
    ResponseHead head{status, {}, 11, std::move(headers)};
    chunked_ = request().version >= 11 && status != 204 && status != 304;
    if (chunked_)
        head.headers.set("Transfer-Encoding", "chunked");
    else
        close_after_ = true;
    std::string message;
    printAnswer(head, message);
    try {
        append(message);
    } catch (const Error&) {
        breakOff();
        throw;
    }
}

Hijacked Connection::hijack(std::string_view head) {
    answered_ = true;
    try {
        append(head);
        waitBelow(1, after(kHijackPatience));
    } catch (const Error&) {
        breakOff();
        throw;
    }
    Hijacked result;
    onReactor([&] {
        watch(0);
        forget();
    });
    {
        const Lock lock(mutex_);
        on_disconnect_ = nullptr;
    }
    result.stream = std::move(stream_);
    result.early = reader_.takeRest();
    return result;
}

// Runs `task` on the reactor's thread and waits for it. The reactor never waits for an exchange, so this can't lock up.
void Connection::onReactor(const std::function<void()>& task) {
    if (core_->reactor.onThread()) return task();
    auto done = std::make_shared<std::promise<void>>();
    auto waiting = done->get_future();
    core_->reactor.post([self = shared_from_this(), &task, done = std::move(done)] {
        task();
        done->set_value();
    });
    try {
        waiting.get();
    } catch (const std::future_error&) {
        throw error(Code::cancelled, "the server is stopping");
    }
}

void Connection::onDisconnect(std::function<void()> gone) {
    {
        const Lock lock(mutex_);
        if (!broken_ && !peer_closed_) {
            on_disconnect_ = std::move(gone);
            return;
        }
    }
    core_->reactor.post(std::move(gone));
}

void Connection::abandon() noexcept {
    try {
        respond(500, {{"Content-Type", "application/json"}}, "{\"message\":\"internal server error\"}\n");
    } catch (...) {  // called by a destructor
        breakOff();
    }
}

std::string Connection::frame(std::string_view data) const {
    if (!chunked_) return std::string(data);
    std::string out = chunkHeader(data.size());
    out.reserve(out.size() + data.size() + 2);
    out += data;
    out += "\r\n";
    return out;
}

void Connection::writeBody(std::span<const std::byte> data) {
    while (!data.empty()) {
        const auto piece = data.first(std::min(data.size(), kBlock));
        data = data.subspan(piece.size());
        if (!bodiless_) append(frame({reinterpret_cast<const char*>(piece.data()), piece.size()}));
        waitBelow(kHighWater, after(kWritePatience));
    }
}

bool Connection::offerBody(std::string_view text) {
    if (!text.empty() && !bodiless_) append(frame(text));
    const Lock lock(mutex_);
    return pendingLocked() < kHighWater;
}

void Connection::onDrained(std::function<void()> drained) {
    {
        const Lock lock(mutex_);
        if (!broken_ && pendingLocked() > 0) {
            on_drained_ = std::move(drained);
            return;
        }
    }
    core_->reactor.post(std::move(drained));
}

void Connection::finishBody() {
    if (!discardBody()) close_after_ = true;
    try {
        if (chunked_ && !bodiless_) append(kLastChunk);
    } catch (const Error&) {
        // Gone: as in respond().
    }
    endAnswer();
}

void Connection::breakOff() noexcept {
    close_after_ = true;
    {
        const Lock lock(mutex_);
        broken_ = true;
    }
    endAnswer();
}

void Connection::append(std::string_view text) {
    const Lock lock(mutex_);
    if (broken_) throw clientGone();
    appendLocked(text);
    if (broken_) throw clientGone();
}

void Connection::appendLocked(std::string_view text) {
    const bool was_empty = pendingLocked() == 0;
    out_ += text;
    if (was_empty) writeOut();
    if (pendingLocked() == 0 || flushing_) return;
    flushing_ = true;
    core_->reactor.post([self = shared_from_this()] { self->updateWatch(); });
}

void Connection::writeOut() {
    want_read_to_write_ = false;
    try {
        while (pendingLocked() > 0 && !broken_) {
            const auto rest = std::string_view(out_).substr(out_done_);
            const Stream::Attempt attempt = stream_->tryWrite(std::as_bytes(std::span(rest)));
            if (attempt.outcome == Stream::Outcome::end) broken_ = true;
            want_read_to_write_ = attempt.outcome == Stream::Outcome::want_read;
            if (attempt.outcome != Stream::Outcome::done) break;
            out_done_ += attempt.bytes;
        }
    } catch (const Error&) {
        broken_ = true;
    }
    if (pendingLocked() == 0) {
        out_.clear();
        out_done_ = 0;
        if (out_.capacity() > kHighWater) out_.shrink_to_fit();
    } else if (out_done_ >= kHighWater) {
        out_.erase(0, out_done_);
        out_done_ = 0;
    }
}

void Connection::waitBelow(std::size_t level, Deadline deadline) {
    const Lock lock(mutex_);
    while (!broken_ && pendingLocked() >= level)
        if (drained_.wait_until(mutex_, deadline) == std::cv_status::timeout && pendingLocked() >= level)
            throw error(Code::deadline, "the client takes nothing");
    if (broken_) throw clientGone();
}

void Connection::endAnswer() {
    std::function<void()> gone;
    std::function<void()> drained;
    {
        const Lock lock(mutex_);
        if (finished_) return;
        finished_ = true;
        gone.swap(on_disconnect_);
        drained.swap(on_drained_);
        if (pendingLocked() > 0 && !broken_) return;  // flush() completes it
        held_ = t_serving.holds = t_serving.connection == this && t_serving.exchange == exchange_;
        if (held_) return;  // takeNext() completes it
    }
    core_->reactor.post([self = shared_from_this()] { self->completed(); });
}

BodyWriter::BodyWriter(std::shared_ptr<Connection> connection) noexcept : connection_(std::move(connection)) {}
BodyWriter::BodyWriter(BodyWriter&&) noexcept = default;
BodyWriter& BodyWriter::operator=(BodyWriter&& other) noexcept {
    if (this == &other) return *this;
    if (connection_) connection_->breakOff();
    connection_ = std::move(other.connection_);
    return *this;
}
BodyWriter::~BodyWriter() {
    if (connection_) connection_->breakOff();
}
void BodyWriter::write(std::span<const std::byte> data) { connection_->writeBody(data); }
bool BodyWriter::offer(std::string_view text) { return connection_->offerBody(text); }
void BodyWriter::onDrained(std::function<void()> drained) { connection_->onDrained(std::move(drained)); }
void BodyWriter::finish() {
    if (const auto connection = std::move(connection_)) connection->finishBody();
}

Exchange::Exchange(std::shared_ptr<Connection> connection) noexcept : connection_(std::move(connection)) {}
Exchange::Exchange(Exchange&&) noexcept = default;
Exchange& Exchange::operator=(Exchange&& other) noexcept {
    if (this == &other) return *this;
    if (connection_ && !answered_) connection_->abandon();
    connection_ = std::move(other.connection_);
    answered_ = other.answered_;
    return *this;
}
Exchange::~Exchange() {
    if (connection_ && !answered_) connection_->abandon();
}
const RequestHead& Exchange::request() const noexcept { return connection_->request(); }
const Peer& Exchange::peer() const noexcept { return connection_->peer(); }
ByteSource& Exchange::body() { return connection_->body(); }
bool Exchange::hasBody() const noexcept { return connection_->hasBody(); }
void Exchange::onDisconnect(std::function<void()> gone) { connection_->onDisconnect(std::move(gone)); }

std::string Exchange::readBody(std::size_t limit) {
    const auto tooLarge = [limit] { return StatusError(413, fmt::format("request body larger than {} bytes", limit)); };
    const std::string_view announced = request().headers.value("Content-Length");
    std::uint64_t length = 0;
    (void)std::from_chars(announced.data(), announced.data() + announced.size(), length);  // the reader has checked it
    if (length > limit) throw tooLarge();
    std::string text;
    std::vector<std::byte> block(kBlock);
    while (const std::size_t count = body().read(block)) {
        if (text.size() + count > limit) throw tooLarge();
        text.append(reinterpret_cast<const char*>(block.data()), count);
    }
    return text;
}

void Exchange::respond(unsigned status, Headers headers, std::string_view body) {
    answered_ = true;
    connection_->respond(status, std::move(headers), body);
}

BodyWriter Exchange::startStream(unsigned status, Headers headers) {
    answered_ = true;
    connection_->startStream(status, std::move(headers));
    return BodyWriter(connection_);
}

Hijacked Exchange::hijack(std::string_view head) {
    answered_ = true;
    return connection_->hijack(head);
}

}  // namespace davit::http
