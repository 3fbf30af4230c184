// The wire form of messages: an incremental, strict reader for both directions and the printers of heads. Internal to
// core/http and its fuzz target.
//
// Reading is Boost.Beast's grammar under stricter rules (SEC-52), because two readers that understand a message
// differently are how requests get smuggled: NUL, a bare CR or LF, a folded line, Content-Length beside
// Transfer-Encoding, either of them twice, any transfer coding but chunked are refused.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "http/message.hpp"

namespace davit::http {

[[nodiscard]] std::string printHead(const RequestHead& head);
[[nodiscard]] std::string printHead(const ResponseHead& head);
/// A chunk's frame around `size` bytes: "1f\r\n". The chunk ends with "\r\n"; the body with "0\r\n\r\n".
[[nodiscard]] std::string chunkHeader(std::size_t size);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

/// Reads messages one after another out of bytes that are fed as they arrive. One thread.
class MessageReader {
  public:
    enum class Kind { request, response };
    enum class Body { data, need_more, end };

    explicit MessageReader(Kind kind);
    MessageReader(MessageReader&&) noexcept;
    MessageReader& operator=(MessageReader&&) noexcept;
    ~MessageReader();

    void feed(std::span<const std::byte> bytes);
    /// False while the head isn't complete. Throws StatusError: 400, 431, 505. Only before the head is done.
    bool parseHead();
    [[nodiscard]] const RequestHead& requestHead() const noexcept;
    [[nodiscard]] const ResponseHead& responseHead() const noexcept;

    /// The response to HEAD has no body whatever its fields say. Before parseHead().
    void expectNoBody();
    /// Decodes fed bytes into `out` and sets `count`. Throws StatusError 400 for bad chunks.
    Body readBody(std::span<std::byte> out, std::size_t& count);
    /// The peer has closed: the end of a body without a length. Throws Error{cancelled} when the message is cut short.
    void finishAtEnd();
    [[nodiscard]] bool bodyDone() const noexcept;
    /// Whether the message has a body at all (a length above 0, or chunks). After the head.
    [[nodiscard]] bool hasBody() const noexcept;
    /// Whether the connection may carry another message after this one.
    [[nodiscard]] bool keepAlive() const noexcept;

    /// Fed bytes not yet used.
    [[nodiscard]] bool hasRest() const noexcept;
    [[nodiscard]] std::string takeRest();
    /// Begins the next message with the rest of the fed bytes.
    void next();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace davit::http
