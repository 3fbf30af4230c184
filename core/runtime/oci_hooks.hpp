// OCI hooks that run in the runtime's own namespaces.
#pragma once

#include <string_view>
#include <vector>

#include "oci/runtime_spec.hpp"

namespace davit::runtime {

/// Runs them in order with the container's state on standard input. One that fails or passes its time-out is Error{system}
/// and the others don't run.
void runHooks(const std::vector<oci::Hook>& hooks, std::string_view state);

}  // namespace davit::runtime
