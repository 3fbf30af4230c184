// The helper's event loop: epoll, one thread. Sockets of connections are waited for at their edges, all others by level.
#pragma once

#include <stdint.h>
#include <sys/epoll.h>

namespace davit::bridge::forward {

/// A descriptor that is waited for; part of its owner, who closes it with loopClose().
struct Watch {
    int fd = -1;
    void (*ready)(Watch* self, uint32_t events) = nullptr;
    void* owner = nullptr;
};

bool loopInit();
/// False: the kernel has no room. `events` are epoll's.
bool loopAdd(Watch* watch, uint32_t events);
/// Reports a descriptor that is waited for at its edges once more if it is ready.
void loopAgain(Watch* watch, uint32_t events);
void loopClose(Watch* watch);
/// Waits at most `timeout_ms` and calls what is ready; -1 waits for ever.
void loopRound(int timeout_ms);
/// Frees `memory` at the end of the round: nothing of the round reaches it any more.
void loopFree(void* memory);

}  // namespace davit::bridge::forward
