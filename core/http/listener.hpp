// Listeners: the sockets that a Server accepts from, and who is at the other end of a connection.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"
#include "http/stream.hpp"

namespace davit::http {

enum class Transport { unix_socket, tcp, tls };

struct Peer {
    Transport transport = Transport::unix_socket;
    std::string address;  ///< "@" for a unix socket, else "10.0.0.1:4711"
};

/// Makes the server side of a connection from an accepted socket. Must not block: a handshake happens inside tryRead().
using AcceptStream = std::function<std::unique_ptr<Stream>(UniqueFd socket)>;

struct Listener {
    UniqueFd socket;  ///< listening, non-blocking
    Transport transport = Transport::unix_socket;
    AcceptStream accept;  ///< empty: streamOf(). serverTls() of tls.hpp gives one for TLS
    std::string name;     ///< "unix:///run/davit.sock", "tcp://127.0.0.1:2375": for messages
};

struct UnixListenOptions {
    std::string path;
    mode_t mode = 0660;
    gid_t group = static_cast<gid_t>(-1);  ///< -1: leave
};
/// Binds with a umask that never opens the socket wider than `mode`. A dead socket file of that name is replaced; a
/// living one (somebody answers) throws Error{conflict}.
[[nodiscard]] Listener listenUnix(const UnixListenOptions& options);

/// Port 0 takes a free one; see boundPort(). One listener: the first address of the host that binds.
[[nodiscard]] Listener listenTcp(const std::string& host, std::uint16_t port);
[[nodiscard]] std::uint16_t boundPort(const Listener& listener);
/// True when the host name or address means this machine only.
[[nodiscard]] bool isLoopback(const std::string& host);

/// The sockets that systemd handed over ($LISTEN_PID, $LISTEN_FDS), in order; empty when none. `which` is what stands
/// behind "fd://": "" or "*" for all, a number (3 is the first), or a name of $LISTEN_FDNAMES. Takes them once.
[[nodiscard]] std::vector<Listener> adoptSystemdListeners(const std::string& which);

/// Takes an already listening socket.
[[nodiscard]] Listener adoptListener(UniqueFd socket);

}  // namespace davit::http
