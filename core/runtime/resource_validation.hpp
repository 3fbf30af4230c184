// The limits of a container, checked as Docker does: part of validateConfig(), and what `update` will need.
#pragma once

#include <string>
#include <vector>

#include "runtime/container_config.hpp"

namespace davit::runtime {

/// Throws Error{invalid} with Docker's text. Fills defaults (swap = twice memory) and drops what this host's control groups
/// lack; each dropped limit is one of the returned warnings.
std::vector<std::string> validateResources(Resources& resources);

/// The RLIMIT_ number of an ulimit's name ("nofile"); throws Error{invalid} "invalid ulimit type: x".
[[nodiscard]] int ulimitNumber(const std::string& name);

}  // namespace davit::runtime
