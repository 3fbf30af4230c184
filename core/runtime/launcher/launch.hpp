// Starts a container's first process, or another process in it. The parent is single-threaded and small: the
// child mounts while the parent makes control groups; the error channel's end of file means that exec has happened.
#pragma once

#include <sys/types.h>

#include "runtime/launcher/cgroups.hpp"
#include "runtime/launcher/failure.hpp"
#include "runtime/launcher/fs.hpp"
#include "runtime/plan.hpp"

namespace davit::launcher {

/// A started process, or one that waits for what it is to become (ready.hpp). `channel` tells its progress: see readChannel().
struct Child {
    pid_t pid = -1;
    uint64_t ready_in = 0;  ///< CLONE_NEW* that a waiting one is in; 0: it doesn't wait
    Fd pidfd;
    Fd channel;
    Fd mount_namespace;  ///< held so that the unmounting isn't part of the process's exit
};

enum class Progress {
    running,   ///< the channel is closed: the program has been exec'ed
    failed,    ///< g_failure says why
    terminal,  ///< the master of its terminal has come
    mounts,    ///< its mount namespace has come
    prepared,  ///< it waits for its start FIFO
    again      ///< nothing yet (non-blocking channel)
};

/// Reads one message of the child. With `terminal` and `mounts` the descriptor goes to `*received`.
Progress readChannel(int channel, Fd* received);

struct Launching {
    const plan::View& view;
    const plan::Launch& plan;
    int plan_file;          ///< the block of `view`: for a child that waits, which doesn't have our memory
    const int (&streams)[3];  ///< become the child's 0, 1, 2 unless it has a terminal
};

/// clone3 into the plan's new namespaces, control groups, barriers. On return the child works towards its exec: follow it
/// with readChannel(). A `*child` that waits in the right namespaces is taken; else it is ended and another one cloned.
bool launch(const Launching& what, WarningHandler warn, Child* child);

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
