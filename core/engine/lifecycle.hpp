// Lifecycle: the steps of a container's life that more than one use-case takes: a run's beginning and end, and the removal.
//
// What happens in which order is what makes a kill -9 of the daemon harmless:
//
//     start    row "starting"  →  files, mounts, shim  →  program runs  →  row "running"  →  memory  →  reply
//     exit     (shim: exit file)  →  row "exited"  →  memory, waiters  →  later: shim cleans up, root given back
//     remove   row deleted + intent "remove"  →  memory, waiters, reply  →  later: layer, files  →  intent cleared
//
// Threads: any; what needs an Operation says so.
#pragma once

#include <string>

#include "engine/core.hpp"

namespace davit::engine {

/// Starts the program; false when it runs already. The caller holds the container's Operation. A failure is recorded in the
/// state, committed, and thrown; an auto-remove container is destroyed then.
bool startContainer(EngineCore& core, const EntryPtr& entry);

/// What a shim of run `run` reports is posted to core.events.
[[nodiscard]] runtime::ShimEvents shimEvents(EngineCore& core, const EntryPtr& entry, std::uint64_t run);

/// Records the end of a run, wakes waiters, removes an auto-remove container. On the events thread or in restore.
void containerExited(EngineCore& core, const EntryPtr& entry, std::uint64_t run, const runtime::ExitInfo& exit);

/// Starts it when `delay` is over, if nothing has been done to it until then; its state is "restarting".
void restartLater(EngineCore& core, const EntryPtr& entry, std::chrono::milliseconds delay);

/// Commits the state and then shows it. `starting`: see StoredState.
void commitState(EngineCore& core, const EntryPtr& entry, const ContainerState& state, bool starting = false);

/// Waits for the shim of the last run to be gone and gives the root's mounts back. The caller holds the Operation.
void releaseRun(EngineCore& core, const EntryPtr& entry);

struct Destruction {
    state::Durability durability = state::Durability::synced;
    bool volumes = false;  ///< with the anonymous volumes that nobody else uses
};
/// Commits the removal, forgets the container, queues the clean-up. It must not run; the caller holds the Operation.
void destroyContainer(EngineCore& core, const EntryPtr& entry, const Destruction& how);

/// Removes what a container without a row may have left: processes, layer, files, its intent. Idempotent.
void cleanUpRemains(EngineCore& core, const std::string& id);

}  // namespace davit::engine
