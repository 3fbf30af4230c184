// Restore: what the daemon does before it serves, so that an end at any instruction was harmless.
//
//     rows        containers, their shims found again or their end recorded; what can't be read is shown as dead
//     intents     half-made creates are undone, committed removals completed
//     the rest    processes, control groups, layers and files that no row knows are removed
//
// One object's fault is logged and stays that object's. Runs on main's thread, before any request.
#pragma once

#include "engine/core.hpp"

namespace davit::engine {

void restoreContainers(EngineCore& core);

}  // namespace davit::engine
