// The shim's event loop: epoll, one thread, no allocation of its own.
#pragma once

#include <stdint.h>
#include <sys/epoll.h>

namespace davit::shim {

/// A descriptor that is waited for. Lives in its owner; the owner closes the descriptor after remove().
struct Watch {
    int fd = -1;
    uint32_t events = 0;  ///< 0: not in the loop
    void (*ready)(Watch* self, uint32_t events) = nullptr;
};

bool loopInit();
/// Changes what is waited for; 0 takes the descriptor out of the loop (so that a hang-up doesn't spin it).
void loopSet(Watch* watch, uint32_t events);
/// loopSet(0) and close.
void loopClose(Watch* watch);
/// One round: waits at most `timeout_ms` (-1: for ever) and calls what is ready. A watch that was taken out during the round
/// isn't called any more.
void loopRound(int timeout_ms);
/// Frees `memory` at the end of the round.
void loopFree(void* memory);

}  // namespace davit::shim
