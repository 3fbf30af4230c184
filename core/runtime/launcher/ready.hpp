// A process that waits, in new namespaces already, for the container that it is to become: cloning it is a tenth of a start, making
// a network namespace another one. Until it is told it stays in the host's mount namespace, so that it keeps no file system busy and
// sees what is mounted meanwhile. It ends with the process that made it.
#pragma once

#include "runtime/launcher/child.hpp"

namespace davit::launcher {

/// `namespaces`: CLONE_NEW* without those of users and mounts. False: g_failure says why, and *child is as before.
bool makeReady(uint64_t namespaces, Child* child);

/// Tells the waiting child its plan. False when it waits in other namespaces or is gone: then end it.
bool takeReady(const Launching& what, Entry entry, const Child& child);

/// Ends a waiting child; afterwards there is none.
void endReady(Child* child);

/// clone3 like fork, into `flags`' namespaces and `*entry`'s group; the pidfd goes to `*pidfd`. A kernel that can't clone into the
/// group (before 5.7, or it has children with controllers) leaves the move to the parent.
pid_t cloneProcess(uint64_t flags, const Fd& group, Entry* entry, Fd* pidfd);
bool openChannel(Fd* ours, Fd* theirs);

}  // namespace davit::launcher
