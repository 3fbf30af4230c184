// A container that another OCI runtime starts. The shim mounts the root and writes the bundle in a mount namespace that lives
// as long as the runtime's `create`; afterwards the container's own mount namespace is all that holds the root, as with the
// built-in launcher, so that nothing stays mounted whoever is killed.
#pragma once

#include "runtime/shim/container.hpp"

namespace davit::shim {

/// create and start. `streams` become the container's; with a terminal its master goes to `*master`. `errors` is our end of
/// the stderr pipe, read for the cause when `create` fails, or -1.
bool externalStart(const plan::View& view, const plan::Launch& launch, const int (&streams)[3], int errors, launcher::Child* init,
                   launcher::Fd* master);
/// The runtime's kill; false when it refuses.
bool externalSignal(int signal);
/// pause and resume; false when the runtime has no such command.
bool externalFreeze(bool frozen);
/// delete --force, and the bundle's files.
void externalDelete();

/// `exec`: the reply goes out when the runtime's command has ended (externalChildEnded).
bool externalExec(const plan::View& view, const plan::Exec& exec, ExecProcess* process, const int (&streams)[3]);
/// A child that is none of the known processes has ended: perhaps a runtime's command, or a process that it has started and
/// whose pid isn't known yet.
void externalChildEnded(pid_t pid, int code);
/// Closes what a start that didn't come to its end has open.
void externalForget(ExecProcess* process);

}  // namespace davit::shim
