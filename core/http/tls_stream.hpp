// TlsStream: a Stream over Poco's SecureStreamSocket. Internal to core/http.
#pragma once

#include <Poco/Net/Context.h>
#include <Poco/Net/SecureStreamSocket.h>

#include <memory>
#include <optional>

#include "base/thread_annotations.hpp"
#include "http/stream.hpp"

namespace davit::http {

/// The handshake happens inside the first attempts. Reading and writing threads exclude each other for the length of
/// one attempt, as OpenSSL demands.
class TlsStream final : public Stream {
  public:
    enum class Side { server, client };
    TlsStream(Poco::Net::SecureStreamSocket socket, Side side);
    ~TlsStream() override;

    Attempt tryRead(std::span<std::byte> buffer) override;
    Attempt tryWrite(std::span<const std::byte> data) override;
    void shutdownWrite() noexcept override;
    [[nodiscard]] int pollFd() const noexcept override { return fd_; }
    [[nodiscard]] bool isPlain() const noexcept override { return false; }
    [[nodiscard]] UniqueFd releaseFd() noexcept override { return {}; }

  private:
    // Of a server's connection: 0x16 begins every TLS handshake. std::nullopt: so it was; go on. Throws Error{cancelled} after an
    // answer to a client that speaks plain HTTP.
    std::optional<Attempt> lookAtFirstByte() DAVIT_REQUIRES(mutex_);
    Attempt translate(int result) const;

    Mutex mutex_;
    Poco::Net::SecureStreamSocket socket_ DAVIT_GUARDED_BY(mutex_);
    const int fd_;
    bool first_byte_seen_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::http
