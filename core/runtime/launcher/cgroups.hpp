// Control groups at run time: makes a plan's directories, writes its limits, puts processes into them, removes them.
// Directories are absolute host paths; v1 and v2 differ only in what the plan says.
#pragma once

#include <sys/types.h>

#include "runtime/plan.hpp"

namespace davit::launcher {

/// Told about limits that this kernel lacks.
using WarningHandler = void (*)(const char* text);

bool makeCgroups(const plan::View& view, const plan::Launch& launch);
bool limitCgroups(const plan::View& view, const plan::Launch& launch, WarningHandler warn);
/// Moves another process into the group. The kernel locks out every fork of the host for that, which waits for an RCU grace
/// period (5 to 15 ms) unless another move has just been: on the way of a start, use the two below.
bool attachToCgroup(const char* directory, pid_t pid);
/// Moves the calling process, which has one thread. Through v1's `tasks` no lock and no grace period is needed.
bool enterCgroup(const char* directory);
/// A v2 group, to clone into (CLONE_INTO_CGROUP: no lock either); -1 when the directory is of v1.
int openUnifiedCgroup(const char* directory);
/// The same for a further process of a container whose first is `first`. A v2 group that passes controllers on takes no
/// processes: what runs in the container has moved itself below then, and `pid` goes to where `first` is.
bool attachBeside(const char* directory, pid_t first, pid_t pid);
/// Kills what is left in the directory's group and in those below and removes them; false when something still lives there.
bool removeCgroup(const char* directory);
/// Sends SIGKILL to every process in it.
void killCgroup(const char* directory);

}  // namespace davit::launcher
