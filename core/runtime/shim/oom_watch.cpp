#include "runtime/shim/oom_watch.hpp"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/epoll_loop.hpp"
#include "runtime/launcher/failure.hpp"
#include "runtime/shim/container.hpp"
#include "runtime/shim/control.hpp"

namespace davit::shim {
namespace {

using launcher::Fd;
using launcher::TextBuffer;

Watch g_watch;
long g_told = 0;

void tell() {
    protocol::Exit event;
    event.message.type = protocol::Type::oom;
    event.time_ns = wallClock();
    controlBroadcast(&event, sizeof event);
}

/// The kernel notifies before it kills, and once more when the group is removed: then the container has ended.
void notifiedV1(Watch* self, uint32_t) {
    uint64_t count = 0;
    if (::read(self->fd, &count, sizeof count) != sizeof count) return loopClose(self);
    if (g_container.running) tell();
}

void changedV2(Watch* self, uint32_t) {
    char events[4096];
    if (::read(self->fd, events, sizeof events) <= 0) return loopClose(self);
    const long kills = oomKills();
    if (kills <= g_told) return;
    g_told = kills;
    if (g_container.running) tell();
}

void watchV1() {
    char path[PATH_MAX];
    TextBuffer(path, sizeof path).add(g_container.oom_file);
    const Fd counters(::open(path, O_RDONLY | O_CLOEXEC));
    char* name = strrchr(path, '/');
    if (!counters || name == nullptr) return;
    *name = '\0';
    char control_path[PATH_MAX];
    TextBuffer(control_path, sizeof control_path).add(path).add("/cgroup.event_control");
    const Fd control(::open(control_path, O_WRONLY | O_CLOEXEC));
    Fd notified(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!control || !notified) return;
    char request[64];
    TextBuffer(request, sizeof request).add(int64_t{notified.get()}).add(" ").add(int64_t{counters.get()});
    if (::write(control.get(), request, strlen(request)) < 0) return;
    g_watch.ready = notifiedV1;
    g_watch.fd = notified.release();
}

void watchV2() {
    Fd changed(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!changed || ::inotify_add_watch(changed.get(), g_container.oom_file, IN_MODIFY) < 0) return;
    g_told = oomKills();
    g_watch.ready = changedV2;
    g_watch.fd = changed.release();
}

}  // namespace

void oomWatchStart() {
    if (g_container.oom_file == nullptr) return;
    if (strstr(g_container.oom_file, "/memory.events") != nullptr) watchV2();
    else watchV1();
    if (g_watch.fd >= 0) loopSet(&g_watch, EPOLLIN);
}

long oomKills() {
    if (g_container.oom_file == nullptr) return 0;
    const Fd file(::open(g_container.oom_file, O_RDONLY | O_CLOEXEC));
    char text[1024];
    const ssize_t length = file ? ::read(file.get(), text, sizeof text - 1) : -1;
    if (length <= 0) return 0;
    text[length] = '\0';
    const char* counter = strstr(text, "oom_kill ");
    return counter != nullptr ? atol(counter + 9) : 0;
}

}  // namespace davit::shim
