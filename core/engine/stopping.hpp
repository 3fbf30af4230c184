// Stopping: ending what runs in a container, and halting it. Threads: any; what needs an Operation says so.
#pragma once

#include "engine/core.hpp"

namespace davit::engine {

/// Sends `signal` and, if it is KILL, waits for the end. A paused container goes on when the signal is to end it. Throws
/// Error{conflict} when it doesn't run.
void killContainer(EngineCore& core, const EntryPtr& entry, int signal);

/// Sends the stop signal, waits, kills; false when it doesn't run. The caller holds the Operation.
bool stopContainer(EngineCore& core, const EntryPtr& entry, const StopOptions& options);

/// Halts all its processes, or lets them go on. Not kept in its row: the shim knows. Throws Error{conflict} with Docker's
/// texts.
void pauseContainer(EngineCore& core, const EntryPtr& entry);
void resumeContainer(EngineCore& core, const EntryPtr& entry);

}  // namespace davit::engine
