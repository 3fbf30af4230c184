// ClientConnection: one HTTP/1.1 connection of a client, request after request.
//
//     ClientConnection connection(connectUnix("/run/davit.sock", after(2s)), "docker");
//     connection.send({.method = "GET", .target = "/version"}, after(10s));
//     const ResponseHead head = connection.receive(after(10s));
//     const std::string text = connection.readBody(1 << 20, after(10s));
//
// One thread. After any thrown Error the connection is unusable: drop it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/byte_stream.hpp"
#include "http/message.hpp"
#include "http/stream.hpp"

namespace davit::http {

struct ClientRequest {
    std::string method = "GET";
    std::string target = "/";
    Headers headers{};                         ///< Host, Content-Length and Transfer-Encoding are added where missing
    std::string text{};                        ///< a body at hand; ignored when `body` is set
    ByteSource* body = nullptr;                ///< a streamed body, not owned; read to its end by send()
    std::optional<std::uint64_t> body_size{};  ///< length of `body`; without it the body goes out chunked
};

class ClientConnection {
  public:
    /// `host` goes into the Host field.
    ClientConnection(std::unique_ptr<Stream> stream, std::string host);
    ClientConnection(ClientConnection&&) noexcept;
    ClientConnection& operator=(ClientConnection&&) noexcept;
    ~ClientConnection();

    /// Sends head and body. A server that answers before the whole body was sent ends the sending: receive() then gives
    /// its answer. With a streamed body the deadline counts from the last progress (its distance from now, at the
    /// call).
    void send(const ClientRequest& request, Deadline deadline);

    /// The head of the final response (1xx other than 101 are skipped). Throws Error{invalid} for what is no HTTP,
    /// Error{cancelled} when the server closed without answering, Error{deadline}.
    [[nodiscard]] ResponseHead receive(Deadline deadline);

    /// The next bytes of the body, 0 at its end; a body cut short throws Error{cancelled}.
    std::size_t readSome(std::span<std::byte> buffer, Deadline deadline);
    /// The whole rest of the body; Error{invalid} when it is longer than `limit`.
    [[nodiscard]] std::string readBody(std::size_t limit, Deadline deadline);
    /// The body as a source; each read has `per_read` time. Valid while the connection lives and until the next send().
    [[nodiscard]] std::unique_ptr<ByteSource> body(std::chrono::milliseconds per_read = std::chrono::hours(24));

    /// After the body's end: may another request be sent?
    [[nodiscard]] bool reusable() const noexcept;

    /// After receive() (101, or Docker's 200 of a raw stream): takes the stream out. The connection is dead afterwards.
    [[nodiscard]] Hijacked hijack();
    /// The stream beneath, for polling.
    [[nodiscard]] Stream& stream() noexcept;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace davit::http
