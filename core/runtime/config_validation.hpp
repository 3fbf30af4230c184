// What POST /containers/create refuses before anything exists: Docker's checks with Docker's texts (SEC-08, SEC-11,
// SEC-55).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/container_config.hpp"

namespace davit::runtime {

/// Throws Error{invalid}. May correct `host` as Docker does (defaults, swap = 2 × memory). The returned texts are the
/// "Warnings" of the reply: limits that this host's kernel can't apply and were therefore dropped.
std::vector<std::string> validateConfig(ContainerConfig& config, HostConfig& host);

/// The signal of a number or a name with or without "SIG"; throws Error{invalid} "invalid signal: x".
[[nodiscard]] int parseSignal(std::string_view text);

}  // namespace davit::runtime
