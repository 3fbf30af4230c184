#include "http/tls_stream.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/SSLException.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/check.hpp"

namespace davit::http {
namespace {

constexpr std::byte kHandshakeRecord{0x16};
constexpr std::string_view kPlainAnswer =
    "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
    "Client sent an HTTP request to an HTTPS server.\n";

// Poco's what() drops the message.
Error translated(const Poco::Exception& failure) { return {Code::cancelled, "tls: " + failure.displayText()}; }

}  // namespace

TlsStream::TlsStream(Poco::Net::SecureStreamSocket socket, Side side)
    : socket_(std::move(socket)), fd_(socket_.impl()->sockfd()), first_byte_seen_(side == Side::client) {
    socket_.setBlocking(false);
}

TlsStream::~TlsStream() = default;

std::optional<Stream::Attempt> TlsStream::lookAtFirstByte() {
    std::byte first{};
    const ssize_t count = ::recv(fd_, &first, 1, MSG_PEEK | MSG_DONTWAIT);
    // Not into the handshake without having seen it: it would take the byte, and the next one means nothing.
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return Attempt{Outcome::want_read, 0};
    if (count <= 0) return Attempt{Outcome::end, 0};
    first_byte_seen_ = true;
    if (first == kHandshakeRecord) return std::nullopt;
    // Best effort: the client gets something to read instead of a broken handshake.
    (void)::send(fd_, kPlainAnswer.data(), kPlainAnswer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)::shutdown(fd_, SHUT_WR);
    std::byte sink[4096];
    while (::recv(fd_, sink, sizeof sink, MSG_DONTWAIT) > 0) {
    }
    throw error(Code::cancelled, "a client sent plain HTTP to a TLS listener");
}

Stream::Attempt TlsStream::translate(int result) const {
    if (result > 0) return {Outcome::done, static_cast<std::size_t>(result)};
    if (result == Poco::Net::SecureStreamSocket::ERR_SSL_WANT_READ) return {Outcome::want_read, 0};
    if (result == Poco::Net::SecureStreamSocket::ERR_SSL_WANT_WRITE) return {Outcome::want_write, 0};
    return {Outcome::end, 0};
}

Stream::Attempt TlsStream::tryRead(std::span<std::byte> buffer) {
    const Lock lock(mutex_);
    if (!first_byte_seen_)
        if (const auto attempt = lookAtFirstByte()) return *attempt;
    try {
        return translate(socket_.receiveBytes(buffer.data(), static_cast<int>(buffer.size())));
    } catch (const Poco::Net::SSLConnectionUnexpectedlyClosedException&) {
        return {Outcome::end, 0};
    } catch (const Poco::Exception& failure) {
        throw translated(failure);
    }
}

Stream::Attempt TlsStream::tryWrite(std::span<const std::byte> data) {
    if (data.empty()) return {};
    const Lock lock(mutex_);
    try {
        return translate(
            socket_.sendBytes(data.data(), static_cast<int>(std::min<std::size_t>(data.size(), 1U << 20))));
    } catch (const Poco::Exception& failure) {
        throw translated(failure);
    }
}

void TlsStream::shutdownWrite() noexcept {
    const Lock lock(mutex_);
    try {
        (void)socket_.shutdown();  // non-blocking: sends close_notify and leaves the connection open
    } catch (const std::exception&) {
        // The peer is gone already, or no handshake came about: there is nobody to tell.
    }
}

}  // namespace davit::http
