// The parent's part of control groups: makes a plan's directories, writes its limits, attaches processes, removes them.
// Directories are absolute host paths; v1 and v2 differ only in what the plan says.
#pragma once

#include <sys/types.h>

#include "runtime/plan.hpp"

namespace davit::launcher {

/// Told about limits that this kernel lacks.
using WarningHandler = void (*)(const char* text);

bool makeCgroups(const plan::View& view, const plan::Launch& launch);
bool limitCgroups(const plan::View& view, const plan::Launch& launch, WarningHandler warn);
bool attachToCgroup(const char* directory, pid_t pid);
/// Kills what is left in the directory's group and removes it; false when something still lives there.
bool removeCgroup(const char* directory);
/// Sends SIGKILL to every process in it.
void killCgroup(const char* directory);

}  // namespace davit::launcher
