// The daemon's -H: where the API listens.
#pragma once

#include <string>
#include <vector>

#include "http/listener.hpp"
#include "http/tls.hpp"

namespace davit::api {

struct HostOptions {
    bool tls = false;         ///< --tls: TCP speaks TLS
    bool tls_verify = false;  ///< --tlsverify: and demands a client certificate signed by tls_files.ca
    http::TlsFiles tls_files{};
    std::string group{};  ///< -G: owner group of unix sockets; empty: "docker" if it exists, else "davit" if it exists,
                          ///< else root
};

/// "unix:///path", "tcp://host:port" (port 2375, 2376 with TLS), "fd://[which]", or a bare "host:port" or "/path" as
/// dockerd takes them. Throws Error{invalid} for another form, and for TCP without TLS on anything but a loopback
/// address (SEC-51); warns for TCP without TLS at all.
[[nodiscard]] std::vector<http::Listener> openHost(const std::string& host, const HostOptions& options);

}  // namespace davit::api
