// Starts a container's first process, or another process in it. The parent is single-threaded and small: the
// child mounts while the parent makes control groups; the error channel's end of file means that exec has happened.
#pragma once

#include <sys/types.h>

#include "runtime/launcher/cgroups.hpp"
#include "runtime/launcher/failure.hpp"
#include "runtime/launcher/fs.hpp"
#include "runtime/plan.hpp"

namespace davit::launcher {

/// A started process. `channel` tells its progress: see readChannel().
struct Child {
    pid_t pid = -1;
    Fd pidfd;
    Fd channel;
    Fd mount_namespace;  ///< held so that the unmounting isn't part of the process's exit
};

enum class Progress {
    running,   ///< the channel is closed: the program has been exec'ed
    failed,    ///< g_failure says why
    terminal,  ///< the master of its terminal has come
    prepared,  ///< it waits for its start FIFO
    again      ///< nothing yet (non-blocking channel)
};

/// Reads one message of the child. With `terminal` the descriptor goes to `*master`.
Progress readChannel(int channel, Fd* master);

/// clone3 into the plan's new namespaces, control groups, barriers. On return the child works towards its exec: follow it
/// with readChannel(). `streams` become its 0, 1, 2 unless it has a terminal.
bool launch(const plan::View& view, const plan::Launch& plan, const int (&streams)[3], WarningHandler warn, Child* child);

/// What a further process needs to know of the container.
struct Container {
    int pidfd = -1;               ///< of its first process
    pid_t pid = -1;               ///< its number
    uint64_t namespaces = 0;      ///< CLONE_NEW* that differ from ours
    const char* const* cgroups = nullptr;
    uint32_t cgroup_count = 0;
};
bool launchInside(const plan::View& view, const plan::Process& process, const Container& container, const int (&streams)[3],
                  Child* child);

}  // namespace davit::launcher
