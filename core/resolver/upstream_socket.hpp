// UpstreamSocket: one question to one server, over UDP or TCP, without ever blocking. One thread.
#pragma once

#include <sys/socket.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/unique_fd.hpp"
#include "resolver/names.hpp"

namespace davit::resolver {

enum class Transport { udp, tcp };

/// An upstream's socket address; std::nullopt for what is no address or names an interface that isn't there.
struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;
    [[nodiscard]] static std::optional<SocketAddress> of(const std::string& address, std::uint16_t port);
};

class UpstreamSocket {
  public:
    enum class Progress { waiting, arrived, broken };

    /// A socket of the right family and type, and the message.
    UpstreamSocket(UniqueFd socket, Transport transport, std::string message);
    [[nodiscard]] int fd() const noexcept { return socket_.get(); }
    /// Starts; false with errno when it can't.
    [[nodiscard]] bool connect(const SocketAddress& server);
    /// EPOLLIN or EPOLLOUT.
    [[nodiscard]] std::uint32_t awaited() const noexcept;
    /// Goes on as far as it can. After `arrived` the reply is in reply(); the next call waits for another.
    [[nodiscard]] Progress advance();
    [[nodiscard]] std::string_view reply() const noexcept { return reply_; }

  private:
    [[nodiscard]] bool send();
    [[nodiscard]] Progress receiveDatagram();
    [[nodiscard]] Progress receiveStream();

    UniqueFd socket_;
    const Transport transport_;
    std::string message_;  ///< what is still to be sent; of TCP with the length in front
    std::string received_;
    std::string reply_;
};

}  // namespace davit::resolver
