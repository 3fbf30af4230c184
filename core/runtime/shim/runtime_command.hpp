// Commands of an external OCI runtime (runc, crun, ...), run from the container's run directory, which is the bundle:
//
//     RUNTIME [OPTION...] --root state --log NAME.log --log-format json COMMAND [ARGUMENT...] ID
//
// Names of files are relative: a unix socket's path has at most 107 bytes. A command ends with the shim: a half-made container
// without a monitor must not come to life later.
#pragma once

#include <sys/types.h>

#include "runtime/launcher/fs.hpp"
#include "runtime/plan.hpp"

namespace davit::shim {

struct RuntimeCommand {
    const char* log = "command.log";
    const char* words[12] = {};        ///< the command and its arguments without the ID; null ends them
    const char* after_id[2] = {};      ///< what follows the ID
    int streams[3] = {-1, -1, -1};     ///< -1: /dev/null
    bool (*prepare)(void* context) = nullptr;  ///< in the child, before its streams are placed; false: g_failure says why
    void* context = nullptr;
};

/// Keeps what the commands need. False: memory is short.
bool runtimeRemember(const plan::View& view, const plan::Launch& launch);
/// False for a container of the built-in launcher.
bool runtimeUsed();

/// Starts a command; its pid, or -1. `*failures` tells what hindered the child before the runtime ran: runtimeFailure().
pid_t runtimeSpawn(const RuntimeCommand& command, launcher::Fd* failures);
/// True when the child gave up before the runtime ran; g_failure says why.
bool runtimeFailure(int failures);
/// Runs a command to its end; false with g_failure when it fails or takes longer than `limit_ms` (then it is killed).
bool runtimeRun(const RuntimeCommand& command, int limit_ms);

/// A listening socket of that name in the run directory, or -1. The runtime sends a terminal's master there.
int consoleListen(const char* name);
/// What was sent, or -1; removes the socket's file.
int consoleReceive(int listener, const char* name);

/// Opens a file of the run directory; -1 and errno.
int runFileOpen(const char* name, int flags);
void runFileRemove(const char* name);
/// A pid file's number, 0 when there is none.
pid_t readPidFile(const char* name);

/// Resolves the process's user in the root at `root` and writes `head`, its ids as JSON members, `tail` to a new file.
bool writeWithIdentity(const plan::View& view, const plan::Process& process, const char* root, const char* const (&parts)[2],
                       const char* name);

}  // namespace davit::shim
