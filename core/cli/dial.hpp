// dial(): opens a byte stream to a daemon.
//
// Unix sockets and numeric TCP addresses are connected here. Everything that needs more (TLS, host names, ssh) is done
// by a child process that pumps between its socket pair and the daemon, so that the CLI stays a small static
// executable.
#pragma once

#include <memory>

#include "cli/context_store.hpp"
#include "http/stream.hpp"

namespace davit::cli {

/// Throws Error{unavailable} with the reason, Error{invalid} for a host that can't be understood.
[[nodiscard]] std::unique_ptr<http::Stream> dial(const Endpoint& endpoint);

/// The value of the Host header for that endpoint.
[[nodiscard]] std::string hostHeader(const Endpoint& endpoint);

/// Brings "host", ":2375" and such into the form "tcp://host:port". Throws Error{invalid} "unable to parse docker host
/// …".
[[nodiscard]] std::string normalizeHost(const std::string& host, bool tls);

/// The full path of one of davit's helper programs: beside this executable, else in ../libexec/davit.
[[nodiscard]] std::string helperPath(const std::string& name);

}  // namespace davit::cli
