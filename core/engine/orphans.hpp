// Orphans: what carries the id of a container that has no row: processes, control groups, directories. Found by name, because
// every kernel object of a container carries its id. After a damaged database files are left alone: they may be all there is.
#pragma once

#include "engine/core.hpp"

namespace davit::engine {

/// Ends unknown containers and removes their control groups and run directories.
void endOrphans(EngineCore& core);
/// Removes the directories of unknown containers.
void removeOrphanFiles(EngineCore& core);

}  // namespace davit::engine
