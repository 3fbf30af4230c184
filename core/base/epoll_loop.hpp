// The event loop of the small helpers (shim, port forwarder): epoll, one thread, no allocation of its own, nothing of the C++
// library. One loop per process; all functions are called by its thread.
#pragma once

#include <stdint.h>
#include <sys/epoll.h>

namespace davit {

/// A descriptor that is waited for. Lives in its owner, who closes the descriptor with loopClose().
struct Watch {
    int fd = -1;
    void (*ready)(Watch* self, uint32_t events) = nullptr;
    void* owner = nullptr;  ///< for `ready`, where the watch isn't the owner's first member
    uint32_t events = 0;    ///< what the loop waits for, epoll's; 0: not in the loop
};

/// False: errno says why. Before all others.
bool loopInit();
/// Changes what is waited for; 0 takes the descriptor out of the loop, so that a hang-up doesn't spin it. False: errno says why,
/// and what was waited for is as before.
bool loopSet(Watch* watch, uint32_t events);
/// Reports a descriptor that is waited for at its edges (EPOLLET) once more if it is ready.
void loopAgain(const Watch* watch);
/// Takes the descriptor out of the loop and closes it. Twice is allowed.
void loopClose(Watch* watch);
/// One round: waits at most `timeout_ms` (-1: for ever) and calls what is ready. A watch that was taken out during the round
/// isn't called any more.
void loopRound(int timeout_ms);
/// Frees `memory` (of malloc, a pointer or more) at the end of the round: nothing of the round reaches it any more.
void loopFree(void* memory);

}  // namespace davit
