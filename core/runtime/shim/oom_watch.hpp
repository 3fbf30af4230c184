// Tells the daemon when a process of the container is killed for lack of memory while the container lives: v1's eventfd, v2's
// changes of memory.events.
#pragma once

namespace davit::shim {

/// Once, when the container runs; off the way of its start. Does nothing where the kernel has no such file.
void oomWatchStart();

/// How many processes of the group have been killed so far; 0 when the file can't be read.
long oomKills();

}  // namespace davit::shim
