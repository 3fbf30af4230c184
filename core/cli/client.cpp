#include "cli/client.hpp"

#include "base/check.hpp"
#include "cli/dial.hpp"
#include "cli/units.hpp"

namespace davit::cli {
namespace {

constexpr int kNewestMinor = 51;
constexpr int kOldestMinor = 12;
constexpr std::size_t kMaxReply = std::size_t{1} << 30;
constexpr std::string_view kUserAgent = "Docker-Client/davit-0.1.0 (linux)";

// The n of "1.n", 0 for anything else.
int minorOf(const std::string& version) {
    try {
        return version.starts_with("1.") ? static_cast<int>(parseUnsigned(version.substr(2), 16)) : 0;
    } catch (const Error&) {
        return 0;
    }
}

std::string messageOf(const http::ResponseHead& head, const std::string& body) {
    if (head.headers.value("Content-Type").starts_with("application/json")) {
        try {
            const json::Document document = json::Document::parse(body);
            const std::string message = document.root()["message"].string();
            if (!message.empty()) return message;
        } catch (const Error&) {  // not the daemon's JSON: show what came
        }
    }
    const std::size_t end = body.find_last_not_of(" \r\n\t");
    if (end != std::string::npos) return body.substr(0, end + 1);
    return fmt::format("{} {}", head.status, http::reasonPhrase(head.status));
}

Code codeOf(unsigned status) {
    switch (status) {
        case 400:
            return Code::invalid;
        case 403:
            return Code::forbidden;
        case 404:
            return Code::not_found;
        case 409:
            return Code::conflict;
        case 501:
            return Code::unimplemented;
        case 503:
            return Code::unavailable;
        default:
            return Code::system;
    }
}

}  // namespace

ApiError::ApiError(unsigned status, const std::string& message)
    : Error(codeOf(status), "Error response from daemon: " + message), status_(status), message_(message) {}

Client::Client(Endpoint endpoint, std::map<std::string, std::string> extra_headers)
    : endpoint_(std::move(endpoint)), extra_headers_(std::move(extra_headers)) {}

std::unique_ptr<http::Stream> Client::dialRaw() const {
    try {
        return dial(endpoint_);
    } catch (const Error& failure) {
        if (failure.code() == Code::invalid || failure.code() == Code::not_found) throw;
        const std::string host = normalizeHost(endpoint_.host, endpoint_.tls);
        if (failure.sysErrno() == EACCES || failure.sysErrno() == EPERM)
            throw error(Code::unavailable,
                        "permission denied while trying to connect to the davit daemon socket at {}: {}", host,
                        failure.text());
        throw error(Code::unavailable, "Cannot connect to the davit daemon at {}. Is the davit daemon running?", host);
    }
}

std::unique_ptr<http::ClientConnection> Client::connect() const {
    return std::make_unique<http::ClientConnection>(dialRaw(), hostHeader(endpoint_));
}

void Client::negotiate() {
    if (!api_version_.empty()) return;
    const std::string wanted = environment({"DOCKER_API_VERSION"});
    idle_ = connect();
    http::ClientRequest ping{
        .method = "HEAD", .target = "/_ping", .headers = {}, .text = {}, .body = nullptr, .body_size = {}};
    ping.headers.set("User-Agent", std::string(kUserAgent));
    http::ResponseHead head;
    try {
        idle_->send(ping, http::after(std::chrono::seconds(60)));
        head = idle_->receive(http::after(std::chrono::seconds(60)));
        (void)idle_->readBody(kMaxReply, http::after(std::chrono::seconds(60)));
    } catch (const Error& failure) {
        if (failure.code() == Code::invalid) throw;
        throw error(Code::unavailable, "Cannot connect to the davit daemon at {}. Is the davit daemon running? ({})",
                    normalizeHost(endpoint_.host, endpoint_.tls), failure.text());
    }
    if (!idle_->reusable()) idle_.reset();
    os_type_ = head.headers.value("Ostype", "linux");
    if (!wanted.empty()) {
        api_version_ = wanted;
        return;
    }
    const int server = minorOf(std::string(head.headers.value("Api-Version")));
    const int minor = server == 0 ? 24 : std::min(server, kNewestMinor);
    api_version_ = "1." + std::to_string(std::max(minor, kOldestMinor));
}

const std::string& Client::apiVersion() {
    negotiate();
    return api_version_;
}

const std::string& Client::osType() {
    negotiate();
    return os_type_;
}

bool Client::atLeast(int minor) { return minorOf(apiVersion()) >= minor; }

http::ClientRequest Client::request(const Call& call, const std::string& version) const {
    http::ClientRequest out;
    out.method = call.method;
    out.target = "/v" + version + call.path;
    const std::string query = call.query.text();
    if (!query.empty()) out.target += "?" + query;
    out.headers.set("User-Agent", std::string(kUserAgent));
    for (const auto& [name, value] : extra_headers_) out.headers.set(name, value);
    if (!call.json.empty()) {
        out.headers.set("Content-Type", "application/json");
        out.text = call.json;
    }
    return out;
}

void Client::refuse(const http::ResponseHead& head, const std::string& body) const {
    throw ApiError(head.status, messageOf(head, body));
}

Client::Answer Client::exchange(const http::ClientRequest& request) {
    std::unique_ptr<http::ClientConnection> connection = std::move(idle_);
    if (!connection) connection = connect();
    connection->send(request, http::kNever);
    Answer answer{connection->receive(http::kNever), {}};
    answer.body = connection->readBody(kMaxReply, http::kNever);
    if (connection->reusable()) idle_ = std::move(connection);
    return answer;
}

/// The first request needn't wait for a negotiation: most daemons know the newest version, the others refuse it before they do
/// anything.
std::optional<Client::Answer> Client::tryNewest(const Call& call) {
    if (!api_version_.empty() || !environment({"DOCKER_API_VERSION"}).empty()) return std::nullopt;
    const std::string newest = "1." + std::to_string(kNewestMinor);
    Answer answer = exchange(request(call, newest));
    if (answer.head.status == 400 && messageOf(answer.head, answer.body).starts_with("client version ")) return std::nullopt;
    if (minorOf(std::string(answer.head.headers.value("Api-Version"))) < kNewestMinor) return answer;
    api_version_ = newest;
    os_type_ = answer.head.headers.value("Ostype", "linux");
    return answer;
}

std::string Client::call(const Call& call) {
    std::optional<Answer> answer = tryNewest(call);
    if (!answer) answer = exchange(request(call, apiVersion()));
    if (answer->head.status >= 400) refuse(answer->head, answer->body);
    return std::move(answer->body);
}

json::Document Client::json(const Call& call) { return json::Document::parse(this->call(call), 1000); }

OpenReply Client::open(const Call& call, ByteSource* body) {
    http::ClientRequest out = request(call, apiVersion());
    if (body != nullptr) {
        out.headers.set("Content-Type", "application/x-tar");
        out.body = body;
    }
    OpenReply reply;
    reply.connection = connect();
    reply.connection->send(out, http::kNever);
    reply.head = receive(*reply.connection);
    reply.body = reply.connection->body();
    return reply;
}

std::unique_ptr<http::ClientConnection> Client::send(const Call& call) {
    const http::ClientRequest out = request(call, apiVersion());
    std::unique_ptr<http::ClientConnection> connection = connect();
    connection->send(out, http::kNever);
    return connection;
}

http::ResponseHead Client::receive(http::ClientConnection& connection) {
    http::ResponseHead head = connection.receive(http::kNever);
    if (head.status >= 400) refuse(head, connection.readBody(kMaxReply, http::kNever));
    return head;
}

std::unique_ptr<http::ClientConnection> Client::sendUpgrade(const Call& call) {
    http::ClientRequest out = request(call, apiVersion());
    out.headers.set("Connection", "Upgrade");
    out.headers.set("Upgrade", "tcp");
    if (out.text.empty()) out.headers.set("Content-Type", "text/plain");
    std::unique_ptr<http::ClientConnection> connection = connect();
    connection->send(out, http::kNever);
    return connection;
}

http::Hijacked Client::hijack(http::ClientConnection& connection) {
    const http::ResponseHead head = receive(connection);
    if (head.status != 101 && head.status != 200)
        throw error(Code::unavailable, "unable to upgrade to tcp, received {}", head.status);
    return connection.hijack();
}

std::string segment(const std::string& text) { return http::percentEncode(text); }

std::string imageSegment(const std::string& text) { return http::percentEncode(text, "/:@"); }

}  // namespace davit::cli
