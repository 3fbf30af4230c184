// ServerAddress: where a plugin server listens, as it stands in a .spec or .json file or follows from a socket's place.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "http/tls.hpp"

namespace davit::plugin {

struct ServerAddress {
    enum class Scheme { unix_socket, tcp, tls };
    Scheme scheme = Scheme::unix_socket;
    std::string path;  ///< of the unix socket
    std::string host;
    std::uint16_t port = 0;
    http::TlsFiles tls;
    bool verify = false;

    bool operator==(const ServerAddress& other) const;
    /// "unix:///run/x.sock", "tcp://host:1234", "https://host:1234".
    [[nodiscard]] std::string text() const;
    /// What goes into the Host field: never empty.
    [[nodiscard]] std::string hostField() const;
};

/// From a URL: unix:///path, tcp://host:port, http://host:port, https://host:port; blanks around it are cut. Throws
/// Error{invalid}.
[[nodiscard]] ServerAddress parseAddress(std::string_view url);
[[nodiscard]] ServerAddress unixAddress(const std::filesystem::path& socket);
/// From the content of a .json file: Addr and TLSConfig {InsecureSkipVerify, CAFile, CertFile, KeyFile}; its Name is
/// ignored. Without a CAFile nothing is verified (Docker's rule). Throws Error{invalid}.
[[nodiscard]] ServerAddress parseAddressFile(std::string_view json);

}  // namespace davit::plugin
