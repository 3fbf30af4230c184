#include "http/client.hpp"

#include <poll.h>

#include <array>
#include <vector>

#include "base/check.hpp"
#include "http/codec.hpp"

namespace davit::http {
namespace {
constexpr std::size_t kBlock = 64 * 1024;

// What an answer may amount to while its request is still being sent.
constexpr std::size_t kMaxEarlyAnswer = 16 * 1024 * 1024;
}  // namespace

struct ClientConnection::Impl {
    std::unique_ptr<Stream> stream;
    std::string host;
    MessageReader reader{MessageReader::Kind::response};
    bool head_request = false;
    bool sent_whole = true;  // false: the server answered before the body's end
    bool head_seen = false;
    std::size_t early_answer = 0;

    RequestHead headOf(const ClientRequest& request) const {
        RequestHead head{request.method, request.target, 11, {}};
        if (!request.headers.has("Host")) head.headers.add("Host", host);
        for (const auto& [name, content] : request.headers) head.headers.add(name, content);
        if (request.body == nullptr) {
            const bool wanted = !request.text.empty() || request.method == "POST" || request.method == "PUT";
            if (wanted && !head.headers.has("Content-Length"))
                head.headers.add("Content-Length", std::to_string(request.text.size()));
        } else if (request.body_size) {
            head.headers.set("Content-Length", std::to_string(*request.body_size));
        } else {
            head.headers.set("Transfer-Encoding", "chunked");
        }
        return head;
    }

    // Takes in what the server says while we are sending: an endpoint may report progress while it reads. True when it
    // has refused the request, so that there is no use in sending more.
    bool refusedMeanwhile() {
        std::array<std::byte, 16 * 1024> block;
        while (early_answer < kMaxEarlyAnswer) {
            const Stream::Attempt attempt = stream->tryRead(block);
            if (attempt.outcome == Stream::Outcome::end) return true;
            if (attempt.outcome != Stream::Outcome::done) break;
            reader.feed(std::span(block).first(attempt.bytes));
            early_answer += attempt.bytes;
        }
        return early_answer > 0 && parseHead() && reader.responseHead().status >= 300;
    }

    bool parseHead() {
        if (head_seen) return true;
        try {
            while (reader.parseHead()) {
                const unsigned status = reader.responseHead().status;
                if (status >= 200 || status == 101) return head_seen = true;
                reader.next();
                if (head_request) reader.expectNoBody();
            }
        } catch (const StatusError& failure) {
            throw Error(Code::invalid, failure.text());
        }
        return false;
    }

    bool sendBody(const ClientRequest& request, std::chrono::milliseconds patience) {
        std::vector<std::byte> block(kBlock);
        std::uint64_t left = request.body_size.value_or(0);
        while (!request.body_size || left > 0) {
            const std::size_t count = request.body->read(block);
            if (count == 0) break;
            const std::span<const std::byte> data(block.data(), count);
            if (refusedMeanwhile()) return false;
            if (request.body_size) {
                if (count > left) throw error(Code::invalid, "the body is longer than announced");
                left -= count;
                stream->write(data, after(patience));
            } else {
                stream->write(chunkHeader(count), after(patience));
                stream->write(data, after(patience));
                stream->write("\r\n", after(patience));
            }
        }
        if (request.body_size && left > 0) throw error(Code::invalid, "the body is shorter than announced");
        if (!request.body_size) stream->write(kLastChunk, after(patience));
        return true;
    }

    void fill(Deadline deadline) {
        std::array<std::byte, 16 * 1024> block;
        const std::size_t count = stream->read(block, deadline);
        if (count == 0)
            reader.finishAtEnd();
        else
            reader.feed(std::span(block).first(count));
    }

    std::size_t readSome(std::span<std::byte> buffer, Deadline deadline) {
        while (true) {
            std::size_t count = 0;
            MessageReader::Body state{};
            try {
                state = reader.readBody(buffer, count);
            } catch (const StatusError& failure) {
                throw Error(Code::invalid, failure.text());
            }
            if (state == MessageReader::Body::data) return count;
            if (state == MessageReader::Body::end) return 0;
            fill(deadline);
        }
    }

    class Source final : public ByteSource {
      public:
        Source(Impl& impl, std::chrono::milliseconds per_read) : impl_(impl), per_read_(per_read) {}
        std::size_t read(std::span<std::byte> buffer) override { return impl_.readSome(buffer, after(per_read_)); }

      private:
        Impl& impl_;
        std::chrono::milliseconds per_read_;
    };
};

ClientConnection::ClientConnection(std::unique_ptr<Stream> stream, std::string host) : impl_(std::make_unique<Impl>()) {
    impl_->stream = std::move(stream);
    impl_->host = std::move(host);
}
ClientConnection::ClientConnection(ClientConnection&&) noexcept = default;
ClientConnection& ClientConnection::operator=(ClientConnection&&) noexcept = default;
ClientConnection::~ClientConnection() = default;

void ClientConnection::send(const ClientRequest& request, Deadline deadline) {
    impl_->reader.next();
    impl_->head_seen = false;
    impl_->early_answer = 0;
    impl_->head_request = request.method == "HEAD";
    if (impl_->head_request) impl_->reader.expectNoBody();
    std::string message = printHead(impl_->headOf(request));
    if (request.body == nullptr) message += request.text;
    try {
        impl_->stream->write(message, deadline);
        const auto patience =
            deadline == kNever
                ? std::chrono::hours(24)
                : std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        impl_->sent_whole = request.body == nullptr || impl_->sendBody(request, patience);
    } catch (const Error& failure) {
        // A server that refuses a request closes; its answer may still be there to read.
        if (failure.code() != Code::cancelled || !pollUntil(impl_->stream->pollFd(), POLLIN, Deadline::min())) throw;
        impl_->sent_whole = false;
    }
}

ResponseHead ClientConnection::receive(Deadline deadline) {
    while (!impl_->parseHead()) impl_->fill(deadline);
    return impl_->reader.responseHead();
}

std::size_t ClientConnection::readSome(std::span<std::byte> buffer, Deadline deadline) {
    return impl_->readSome(buffer, deadline);
}

std::string ClientConnection::readBody(std::size_t limit, Deadline deadline) {
    std::string text;
    std::array<std::byte, 16 * 1024> block;
    while (const std::size_t count = readSome(block, deadline)) {
        if (text.size() + count > limit) throw error(Code::invalid, "the answer is longer than {} bytes", limit);
        text.append(reinterpret_cast<const char*>(block.data()), count);
    }
    return text;
}

std::unique_ptr<ByteSource> ClientConnection::body(std::chrono::milliseconds per_read) {
    return std::make_unique<Impl::Source>(*impl_, per_read);
}

bool ClientConnection::reusable() const noexcept {
    return impl_->head_seen && impl_->sent_whole && impl_->reader.bodyDone() && impl_->reader.keepAlive() &&
           impl_->reader.responseHead().status != 101;
}

Hijacked ClientConnection::hijack() { return {std::move(impl_->stream), impl_->reader.takeRest()}; }

Stream& ClientConnection::stream() noexcept { return *impl_->stream; }

}  // namespace davit::http
