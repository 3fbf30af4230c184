// TLS for streams, both sides, through Poco NetSSL; a library of its own (davit_http_tls) so that what doesn't speak
// TLS doesn't link it. TLS 1.2 and newer only.
#pragma once

#include <memory>
#include <string>

#include "http/listener.hpp"
#include "http/stream.hpp"

namespace davit::http {

struct TlsFiles {
    std::string ca;    ///< PEM bundle; empty: the system's (client), none (server)
    std::string cert;  ///< PEM chain of our certificate; empty: none (client only)
    std::string key;   ///< PEM key
};

/// What dockerd calls --tls (verify_client false) and --tlsverify (true: a client certificate that `ca` signed is
/// demanded). Put it into Listener::accept. A client that speaks plain HTTP gets a readable 400. Throws Error{invalid}
/// naming the file.
[[nodiscard]] AcceptStream serverTls(const TlsFiles& files, bool verify_client);

struct TlsConnectOptions {
    std::string host{};
    std::uint16_t port = 2376;
    TlsFiles files{};
    bool verify = true;  ///< check the server's chain and name
    Deadline deadline = kNever;
};
/// Connects and shakes hands. Throws Error{unavailable} with the reason ("certificate verify failed …").
[[nodiscard]] std::unique_ptr<Stream> connectTls(const TlsConnectOptions& options);

}  // namespace davit::http
