#include "runtime/shim/loop.hpp"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

namespace davit::shim {
namespace {

constexpr int kBatch = 32;

int g_epoll = -1;
struct epoll_event g_ready[kBatch];
int g_ready_count = 0;

struct Garbage {
    Garbage* next;
};
Garbage* g_garbage = nullptr;

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

void loopSet(Watch* watch, uint32_t events) {
    if (events == watch->events || watch->fd < 0) return;
    struct epoll_event event {};
    event.events = events;
    event.data.ptr = watch;
    const int operation = events == 0 ? EPOLL_CTL_DEL : watch->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (::epoll_ctl(g_epoll, operation, watch->fd, &event) != 0 && operation != EPOLL_CTL_DEL) return;
    if (events == 0) forget(watch);
    watch->events = events;
}

void loopClose(Watch* watch) {
    loopSet(watch, 0);
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

}  // namespace davit::shim
