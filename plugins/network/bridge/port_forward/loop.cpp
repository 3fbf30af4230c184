#include "loop.hpp"

#include <stdlib.h>
#include <unistd.h>

namespace davit::bridge::forward {
namespace {

constexpr int kBatch = 64;

int g_epoll = -1;
struct epoll_event g_ready[kBatch];
int g_count = 0;

struct Garbage {
    Garbage* next;
};
Garbage* g_garbage = nullptr;

}  // namespace

bool loopInit() {
    g_epoll = ::epoll_create1(EPOLL_CLOEXEC);
    return g_epoll >= 0;
}

bool loopAdd(Watch* watch, uint32_t events) {
    struct epoll_event event {};
    event.events = events;
    event.data.ptr = watch;
    return ::epoll_ctl(g_epoll, EPOLL_CTL_ADD, watch->fd, &event) == 0;
}

void loopAgain(Watch* watch, uint32_t events) {
    struct epoll_event event {};
    event.events = events;
    event.data.ptr = watch;
    (void)::epoll_ctl(g_epoll, EPOLL_CTL_MOD, watch->fd, &event);  // fails only for what isn't waited for
}

void loopClose(Watch* watch) {
    if (watch->fd < 0) return;
    // The driver has a copy of what it handed over, so closing alone would not end the waiting.
    (void)::epoll_ctl(g_epoll, EPOLL_CTL_DEL, watch->fd, nullptr);
    (void)::close(watch->fd);
    watch->fd = -1;
    for (int i = 0; i < g_count; ++i)
        if (g_ready[i].data.ptr == watch) g_ready[i].data.ptr = nullptr;
}

void loopRound(int timeout_ms) {
    g_count = ::epoll_wait(g_epoll, g_ready, kBatch, timeout_ms);
    for (int i = 0; i < g_count; ++i) {
        auto* watch = static_cast<Watch*>(g_ready[i].data.ptr);
        if (watch != nullptr) watch->ready(watch, g_ready[i].events);
    }
    g_count = 0;
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

}  // namespace davit::bridge::forward
