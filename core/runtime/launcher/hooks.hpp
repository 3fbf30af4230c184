// The runtime specification's hooks that run inside: createContainer in the container's mount namespace before its root is
// entered (paths are the host's), startContainer right before the program (paths are the container's, the identity is the
// program's). Called in the child; each hook is a process of its own that gets the container's state on standard input.
#pragma once

#include "runtime/plan.hpp"

namespace davit::launcher {

/// Runs them one after the other; the first failure ends it. `state` is a JSON object that lacks its end: status and pid.
bool runHooks(const plan::View& view, plan::List hooks, const char* state, const char* status);

}  // namespace davit::launcher
