// Further processes in the running container.
#pragma once

#include "runtime/shim/container.hpp"

namespace davit::shim {

/// Starts a process of a plan::Exec block. The reply goes to `requester` when it runs or has failed. Takes `client`.
/// False: g_failure says why, nothing was started.
bool startExec(const plan::View& view, const plan::Exec& exec, int client, int requester, uint32_t serial);
/// The process `pid` has ended; false when it is none of ours.
bool execEnded(pid_t pid, int code);
/// The start of an external runtime has come to its end: the process runs (takes its terminal's `master`), or g_failure says
/// why it doesn't.
void execRuns(ExecProcess* process, int master);
void execFailed(ExecProcess* process);
/// Forgets ended processes whose clients have got everything.
void sweepExecs();
/// True while an ended process's clients wait for the daemon's acknowledgement.
bool execsAwaitRelease();
ExecProcess* findExec(const char* id);
/// A control connection is closed: nobody waits for its replies any more.
void forgetRequester(int requester);

}  // namespace davit::shim
