#include "plugin/http_transport.hpp"

#include <algorithm>
#include <exception>
#include <optional>

#include "base/check.hpp"
#include "davit/wire.hpp"
#include "http/message.hpp"
#include "plugin/caller.hpp"
#include "plugin/server_connection.hpp"

namespace davit::plugin {
namespace {

constexpr std::size_t kMaxIdle = 8;
constexpr std::string_view kAccept = "application/vnd.docker.plugins.v1.2+json";

// No JSON follows a streamed call's answer; copying it must notice a driver that stands still, not one that is slow.
void copyBody(http::ClientConnection& connection, ByteSink& sink, std::chrono::milliseconds per_read) {
    std::vector<std::byte> buffer(std::size_t{256} << 10U);
    while (const std::size_t got = connection.readSome(buffer, http::after(per_read)))
        sink.write({buffer.data(), got});
}

// The caller's body stream: what it throws is the caller's failure, not the connection's.
class WatchedSource final : public ByteSource {
  public:
    explicit WatchedSource(ByteSource& source) : source_(source) {}
    std::size_t read(std::span<std::byte> buffer) override {
        try {
            return source_.read(buffer);
        } catch (const Error&) {
            failure_ = std::current_exception();
            throw;
        }
    }
    void rethrow() const {
        if (failure_) std::rethrow_exception(failure_);
    }

  private:
    ByteSource& source_;
    std::exception_ptr failure_;
};

// {"Err": …} or {"Error": …} with or without davit's code, or any other text: Docker shows that raw.
[[noreturn]] void throwStatus(const Call& call, unsigned status, const std::string& body) {
    wire::Refusal refusal;
    try {
        const wire::Message message(body);
        refusal = wire::readRefusal(wire::Reader(message.root()));
    } catch (const Error&) {  // not JSON: the raw text is the message
        refusal.text = body.substr(0, body.find_last_not_of(" \r\n\t") + 1);
    }
    if (refusal.code != 0) throwRefusal(refusal);
    const std::string text =
        fmt::format("{}: {}", call.method, refusal.text.empty() ? fmt::format("HTTP status {}", status) : refusal.text);
    if (status == 404 || refusal.text.find("unimplemented") != std::string::npos)
        throw Error(Code::unimplemented, text);
    throw ForeignError(text);
}

}  // namespace

std::string queryOf(std::string_view request_json) {
    const wire::Message message(request_json);
    http::Query query;
    if (!message.root().IsObject()) return {};
    for (const auto& member : message.root().GetObject()) {
        std::string name(member.name.GetString(), member.name.GetStringLength());
        std::transform(name.begin(), name.end(), name.begin(),
                       [](char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c); });
        if (member.value.IsString())
            query.add(std::move(name), {member.value.GetString(), member.value.GetStringLength()});
    }
    return query.text();
}

std::string HttpTransport::call(const Call& call) {
    bool answered = false;
    if (call.body == nullptr) {
        if (Connection idle = takeIdle()) {
            try {
                return exchange(std::move(idle), call, answered);
            } catch (const Error& e) {
                if (!answered && e.code() == Code::deadline) throw noAnswer(call);
                if (!answered && e.code() == Code::invalid) throw badReply(call, e);
                // Closed while it was idle, or by a server that went away: only a new connection can tell.
                if (answered || (e.code() != Code::cancelled && e.code() != Code::system)) throw;
                dropIdle();
            }
        }
    }
    std::optional<WatchedSource> body;
    Call watched = call;
    if (call.body != nullptr) watched.body = &body.emplace(*call.body);
    try {
        return exchange(connect(call), watched, answered);
    } catch (const Error& e) {
        if (body) body->rethrow();
        if (answered) throw;
        if (e.code() == Code::invalid) throw badReply(call, e);
        if (e.code() == Code::cancelled || e.code() == Code::system)
            throw error(Code::unavailable, "{}: {}: {}", call.method, address_.text(), e.text());
        if (e.code() == Code::deadline) throw noAnswer(call);
        throw;
    }
}

Error HttpTransport::noAnswer(const Call& call) const {
    return error(Code::deadline, "{}: {}: no answer within {} ms", call.method, address_.text(), call.timeout.count());
}

Error HttpTransport::badReply(const Call& call, const Error& failure) const {
    return error(Code::invalid, "{}: {}: bad reply: {}", call.method, address_.text(), failure.text());
}

HttpTransport::Connection HttpTransport::connect(const Call& call) const {
    const http::Deadline deadline = http::after(std::min(call.timeout, kConnectTimeout));
    return std::make_unique<http::ClientConnection>(connectTo(address_, deadline), address_.hostField());
}

// `answered` is set once the server's refusal or result is known: what is thrown then is not the connection's fault.
std::string HttpTransport::exchange(Connection connection, const Call& call, bool& answered) {
    http::ClientRequest request;
    request.method = "POST";
    request.target = fmt::format("/{}", call.method);
    request.headers = {{"Accept", std::string(kAccept)}, {"User-Agent", "davit"}};
    if (call.body != nullptr) {
        const std::string query = queryOf(call.request);
        if (!query.empty()) request.target += "?" + query;
        request.body = call.body;
        request.headers.add("Content-Type", "application/x-tar");
    } else {
        request.text = call.request;
    }
    const http::Deadline deadline = http::after(call.timeout);
    connection->send(request, deadline);
    const http::ResponseHead head =
        connection->receive(call.body != nullptr ? http::after(call.timeout) : deadline);
    if (head.status == 200 && call.stream != nullptr) {
        answered = true;
        copyBody(*connection, *call.stream, call.timeout);
        if (connection->reusable()) giveBack(std::move(connection));
        return {};
    }
    std::string body = connection->readBody(kMaxReply, call.body != nullptr ? http::after(call.timeout) : deadline);
    answered = true;
    if (connection->reusable()) giveBack(std::move(connection));
    if (head.status != 200) throwStatus(call, head.status, body);
    if (body.find_first_not_of(" \t\r\n") == std::string::npos)
        throw error(Code::invalid, "{}: {}: empty reply", call.method, address_.text());
    return body;
}

HttpTransport::Connection HttpTransport::takeIdle() {
    const Lock lock(mutex_);
    if (idle_.empty()) return nullptr;
    Connection connection = std::move(idle_.back());
    idle_.pop_back();
    return connection;
}

void HttpTransport::giveBack(Connection connection) {
    const Lock lock(mutex_);
    if (idle_.size() < kMaxIdle) idle_.push_back(std::move(connection));
}

void HttpTransport::dropIdle() {
    const Lock lock(mutex_);
    idle_.clear();
}

}  // namespace davit::plugin
