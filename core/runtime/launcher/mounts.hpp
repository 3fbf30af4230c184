// Makes the mounts of a launch plan below a root directory's descriptor, in the calling process's mount namespace, which is
// already private. The host's /proc is still visible.
#pragma once

#include "runtime/launcher/fs.hpp"
#include "runtime/plan.hpp"

namespace davit::launcher {

/// Mounts the root file system of the plan at plan.root and returns its directory (O_PATH), or -1.
int mountRoot(const plan::View& view, const plan::Launch& launch);

/// One mount below `root`.
bool makeMount(const plan::View& view, const plan::Mount& mount, int root);

/// Moves a detached mount onto the object that `target` (O_PATH) stands for.
bool moveMount(int tree, int target, const char* name);

/// A detached clone of the mount that `fd` lies on, with that object as its root; -1 and errno.
int cloneMount(int fd, bool recursive);

/// A detached, empty, read-only tmpfs; -1 and errno.
int emptyReadOnlyMount();

/// mount_setattr on a descriptor.
bool setAttributes(int fd, uint64_t set, uint64_t clear, uint64_t propagation, bool recursive);

}  // namespace davit::launcher
