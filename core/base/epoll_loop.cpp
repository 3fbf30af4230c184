#include "base/epoll_loop.hpp"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

namespace davit {
namespace {

constexpr int kBatch = 64;

int g_epoll = -1;
struct epoll_event g_ready[kBatch];
int g_ready_count = 0;

struct Garbage {
    Garbage* next;
};
Garbage* g_garbage = nullptr;

int control(int operation, const Watch* watch, uint32_t events) {
    struct epoll_event event {};
    event.events = events;
    event.data.ptr = const_cast<Watch*>(watch);
    return ::epoll_ctl(g_epoll, operation, watch->fd, &event);
}

/// Events of this round that belong to a watch that is gone must not reach it.
void forget(const Watch* watch) {
    for (int i = 0; i < g_ready_count; ++i)
        if (g_ready[i].data.ptr == watch) g_ready[i].data.ptr = nullptr;
}

}  // namespace

bool loopInit() {
    g_epoll = ::epoll_create1(EPOLL_CLOEXEC);
    return g_epoll >= 0;
}

bool loopSet(Watch* watch, uint32_t events) {
    if (events == watch->events || watch->fd < 0) return true;
    const int operation = events == 0 ? EPOLL_CTL_DEL : watch->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (control(operation, watch, events) != 0 && operation != EPOLL_CTL_DEL) return false;
    if (events == 0) forget(watch);
    watch->events = events;
    return true;
}

void loopAgain(const Watch* watch) { (void)control(EPOLL_CTL_MOD, watch, watch->events); }  // fails only for what isn't waited for

void loopClose(Watch* watch) {
    // Closing alone would not end the waiting where another process has a copy of the descriptor.
    (void)loopSet(watch, 0);
    if (watch->fd >= 0) (void)::close(watch->fd);
    watch->fd = -1;
}

void loopRound(int timeout_ms) {
    g_ready_count = ::epoll_wait(g_epoll, g_ready, kBatch, timeout_ms);
    for (int i = 0; i < g_ready_count; ++i) {
        auto* watch = static_cast<Watch*>(g_ready[i].data.ptr);
        if (watch != nullptr) watch->ready(watch, g_ready[i].events);
    }
    g_ready_count = 0;
    while (g_garbage != nullptr) {
        Garbage* next = g_garbage->next;
        ::free(g_garbage);
        g_garbage = next;
    }
}

void loopFree(void* memory) {
    auto* garbage = static_cast<Garbage*>(memory);
    garbage->next = g_garbage;
    g_garbage = garbage;
}

}  // namespace davit
