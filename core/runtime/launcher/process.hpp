// The last steps of a new process: identity, limits, capabilities, working directory, seccomp, exec.
#pragma once

#include "runtime/plan.hpp"

namespace davit::launcher {

/// Called in the container's root and namespaces, standard streams in place. `wait` is asked once, when nothing but the
/// filter and exec are left, and returns false if the start is off. All descriptors above `last_kept` are closed before the
/// working directory is entered (SEC-02), those up to it are closed by exec. Returns only on failure.
bool becomeProcess(const plan::View& view, const plan::Process& process, int last_kept, bool (*wait)());

/// Gives every signal its default action and blocks none: the parent's signal state must not reach the program.
void resetSignals();

/// Puts `fds` on 0, 1 and 2; works whatever their numbers are.
bool placeStreams(const int (&fds)[3]);

}  // namespace davit::launcher
