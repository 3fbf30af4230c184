#include "runtime/shim/shim.hpp"

#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "runtime/launcher/child.hpp"
#include "runtime/shim/control.hpp"
#include "runtime/shim/exec.hpp"
#include "runtime/shim/oom_watch.hpp"
#include "runtime/shim/once.hpp"

namespace davit::shim {
namespace {

using launcher::Fd;
using launcher::TextBuffer;

constexpr int kProgramFd = 3;
constexpr int kControlFd = 4;
constexpr int kPlanFd = 5;
constexpr int kFirstClientFd = 6;
constexpr int kLonelyMs = 1000;     ///< without a daemon: how long after the exit the clean-up waits
constexpr int kSlowClientMs = 30000;  ///< how long after the exit a client may take to read its rest

struct Block {
    void* data = nullptr;
    size_t size = 0;
};

bool mapPlan(Block* block) {
    const Fd file(kPlanFd);
    struct stat facts;
    if (::fstat(kPlanFd, &facts) != 0 || !S_ISREG(facts.st_mode)) return false;
    block->size = static_cast<size_t>(facts.st_size);
    block->data = ::mmap(nullptr, block->size, PROT_READ | PROT_WRITE, MAP_PRIVATE, kPlanFd, 0);
    return block->data != MAP_FAILED;
}

bool watchChildren(Watch* watch) {
    sigset_t signals;
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGCHLD);
    if (::sigprocmask(SIG_BLOCK, &signals, nullptr) != 0) return false;
    watch->fd = ::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    watch->ready = [](Watch* self, uint32_t) {
        struct signalfd_siginfo info;
        while (::read(self->fd, &info, sizeof info) == sizeof info) {
        }
        reapChildren();
    };
    loopSet(watch, EPOLLIN);
    return watch->fd >= 0;
}

/// Signals that stop a daemon's whole session are not for us: a shim ends with its container.
void ignoreSignals() {
    static constexpr int kIgnored[] = {SIGPIPE, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTTIN, SIGTTOU, SIGTSTP, SIGUSR1, SIGUSR2};
    for (const int number : kIgnored) (void)::signal(number, SIG_IGN);
}

bool prepare(Watch* children) {
    (void)::close(kProgramFd);
    // Nobody but root of the host looks into this process or the ones it clones (CVE-2016-9962, SEC-01).
    (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)::prctl(PR_SET_NAME, "davit-shim", 0, 0, 0);
    if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) return launcher::failWithErrno("become a subreaper");
    (void)launcher::writeFile(AT_FDCWD, "/proc/self/oom_score_adj", "-998");  // needs CAP_SYS_RESOURCE
    ignoreSignals();
    return (loopInit() && watchChildren(children)) || launcher::failWithErrno("make the event loop");
}

void reportStart(bool worked) {
    protocol::Reply reply = worked ? protocol::Reply{} : failureReply(0);
    reply.message = {worked ? protocol::Type::started : protocol::Type::failed, 0};
    reply.pid = g_container.init.pid;
    reply.time_ns = g_container.started_ns;
    (void)::send(kControlFd, &reply, sizeof reply, MSG_NOSIGNAL);
}

uint32_t collectClients(const plan::Launch& launch, int** clients) {
    *clients = static_cast<int*>(::calloc(launch.clients.count + 1U, sizeof(int)));
    if (*clients == nullptr) return 0;
    for (uint32_t i = 0; i < launch.clients.count; ++i) {
        (*clients)[i] = kFirstClientFd + static_cast<int>(i);
        (void)::fcntl((*clients)[i], F_SETFD, FD_CLOEXEC);
    }
    return launch.clients.count;
}

bool start(const plan::View& view, const plan::Launch& launch) {
    int* clients = nullptr;
    const uint32_t count = collectClients(launch, &clients);
    const bool started = startContainer(view, launch, clients, count);
    ::free(clients);
    return started;
}

int elapsedMs() { return static_cast<int>((wallClock() - g_container.finished_ns) / 1000000); }

bool clientsServed() {
    if (!ioBusy(&g_container.io) && g_container.execs == nullptr) return true;
    const int elapsed = elapsedMs();
    return elapsed < 0 || elapsed > kSlowClientMs;
}

void serve() {
    while (true) {
        loopRound(g_container.running && !execsAwaitRelease() ? -1 : kLonelyMs);
        sweepExecs();
        (void)ioAwaitsRelease(&g_container.io, controlConnected());
        if (g_container.running) continue;
        if (!controlConnected() && elapsedMs() >= kLonelyMs) cleanUpContainer();
        if ((controlReleased() || (g_container.cleaned && !controlConnected())) && clientsServed()) return;
    }
}

}  // namespace

int runShim() {
    Watch children;
    Block block;
    if (!prepare(&children) || !mapPlan(&block)) {
        launcher::failWithErrno("read the launch plan");
        reportStart(false);
        return 1;
    }
    (void)::fcntl(kControlFd, F_SETFD, FD_CLOEXEC);
    const plan::View view(block.data, block.size);
    if (!view.valid()) {
        launcher::fail("the launch plan is of an unknown version");
        reportStart(false);
        return 1;
    }
    const auto launch = view.root<plan::Launch>();
    if (launch.mode != plan::Mode::shim) return launchOnce(view, launch, kControlFd);
    // An external runtime takes its time: a daemon that is restarted meanwhile has to find this shim and wait for it.
    const bool listens_early = *view.text(launch.external_runtime) != '\0';
    const bool started = (!listens_early || controlListen(view.text(launch.run_dir))) && start(view, launch);
    reportStart(started);
    if (!started) return 1;
    (void)::munmap(block.data, block.size);
    controlAdopt(kControlFd);
    if (!listens_early && !controlListen(g_container.run_dir)) return 1;
    oomWatchStart();
    reapChildren();  // the signal of a child that ended during the start may be consumed
    serve();
    return 0;
}

}  // namespace davit::shim
