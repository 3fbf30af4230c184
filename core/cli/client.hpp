// Client: the Engine API as the commands use it, over one kept-alive connection plus one more per stream.
//
// One thread. Failures of the daemon are ApiError, failures on the way Error{unavailable}.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/json.hpp"
#include "cli/context_store.hpp"
#include "http/client.hpp"

namespace davit::cli {

/// The daemon's refusal: "Error response from daemon: No such container: x".
class ApiError : public Error {
  public:
    ApiError(unsigned status, const std::string& message);
    [[nodiscard]] unsigned status() const noexcept { return status_; }
    /// The daemon's own words.
    [[nodiscard]] const std::string& message() const noexcept { return message_; }

  private:
    unsigned status_;
    std::string message_;
};

/// An answer whose body is still to be read. The connection is its own.
struct OpenReply {
    http::ResponseHead head;
    std::unique_ptr<http::ClientConnection> connection;
    std::unique_ptr<ByteSource> body;
};

class Client {
  public:
    Client(Endpoint endpoint, std::map<std::string, std::string> extra_headers);

    struct Call {
        std::string method = "GET";
        std::string path;  ///< "/containers/json", without version; ids are encoded by segment()
        http::Query query;
        std::string json;  ///< body; empty: none
    };

    /// Body text of a success; throws ApiError for a status of 400 and above.
    std::string call(const Call& call);
    /// call(), parsed.
    json::Document json(const Call& call);
    /// Sends and returns when the head is there. `body` is sent as a tar stream when set.
    OpenReply open(const Call& call, ByteSource* body = nullptr);
    /// Sends without waiting for an answer: for calls that are answered later (wait) or at the same time as others.
    std::unique_ptr<http::ClientConnection> send(const Call& call);
    /// Receives the head on a connection of send(); throws ApiError.
    http::ResponseHead receive(http::ClientConnection& connection);
    /// Asks for a raw stream (attach, exec); hijack() takes it.
    std::unique_ptr<http::ClientConnection> sendUpgrade(const Call& call);
    /// The raw stream that a connection of sendUpgrade() becomes; throws ApiError.
    http::Hijacked hijack(http::ClientConnection& connection);

    /// Version negotiated with the daemon: "1.51" or less, $DOCKER_API_VERSION if set.
    const std::string& apiVersion();
    /// "linux"
    const std::string& osType();
    /// True when the negotiated version is at least 1.`minor`.
    bool atLeast(int minor);
    [[nodiscard]] const Endpoint& endpoint() const noexcept { return endpoint_; }

    /// A plain stream to the daemon.
    [[nodiscard]] std::unique_ptr<http::Stream> dialRaw() const;

  private:
    [[nodiscard]] std::unique_ptr<http::ClientConnection> connect() const;
    struct Answer {
        http::ResponseHead head;
        std::string body;
    };
    [[nodiscard]] http::ClientRequest request(const Call& call, const std::string& version) const;
    Answer exchange(const http::ClientRequest& request);
    std::optional<Answer> tryNewest(const Call& call);
    [[noreturn]] void refuse(const http::ResponseHead& head, const std::string& body) const;
    void negotiate();

    Endpoint endpoint_;
    std::map<std::string, std::string> extra_headers_;
    std::unique_ptr<http::ClientConnection> idle_;
    std::string api_version_;
    std::string os_type_ = "linux";
};

/// `text` as one segment of a path.
[[nodiscard]] std::string segment(const std::string& text);
/// An image reference in a path: slashes and colons stay.
[[nodiscard]] std::string imageSegment(const std::string& text);

}  // namespace davit::cli
