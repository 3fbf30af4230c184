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

#include "runtime/launcher/pass_fd.hpp"
#include "runtime/launcher/ready.hpp"
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
constexpr int kLonelyMs = 1000;     ///< without a daemon: how long after the exit the clean-up waits
constexpr int kSlowClientMs = 30000;  ///< how long after the exit a client may take to read its rest

struct Block {
    void* data = nullptr;
    size_t size = 0;
};

bool mapPlan(int file, Block* block) {
    struct stat facts;
    if (::fstat(file, &facts) != 0 || !S_ISREG(facts.st_mode)) return false;
    block->size = static_cast<size_t>(facts.st_size);
    block->data = ::mmap(nullptr, block->size, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    return block->data != MAP_FAILED;
}

/// What comes with Type::launch: the plan, then the clients.
Fd g_received[launcher::kMaxPassed];

/// False: the other side has no use for this shim.
bool awaitLaunch() {
    protocol::Message message;
    const ssize_t count = launcher::receiveWithFds(kControlFd, &message, sizeof message, g_received, launcher::kMaxPassed);
    return count == static_cast<ssize_t>(sizeof message) && message.type == protocol::Type::launch;
}

/// The list of processes doesn't show it any more.
uint64_t takeNumber(char* word) {
    if (word == nullptr) return 0;
    const uint64_t number = ::strtoull(word, nullptr, 10);
    memset(word, 0, strlen(word));
    return number;
}

/// For who looks at the list of processes.
void showId(char* shown, const char* id) {
    if (shown != nullptr && strlen(shown) == strlen(id)) memcpy(shown, id, strlen(id));
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

int runShim(int argc, char** argv) {
    Watch children;
    Block block;
    const uint64_t namespaces = takeNumber(argc > 2 ? argv[2] : nullptr);
    (void)::fcntl(kControlFd, F_SETFD, FD_CLOEXEC);
    const bool prepared = prepare(&children);
    if (prepared && namespaces != 0) (void)launcher::makeReady(namespaces, &g_container.init);  // else it is cloned when it is needed
    if (!awaitLaunch()) {
        if (g_container.init.ready_in != 0) launcher::endReady(&g_container.init);
        return 0;
    }
    if (!prepared || !mapPlan(g_received[0].get(), &block)) {
        launcher::failWithErrno("read the launch plan");
        reportStart(false);
        return 1;
    }
    const plan::View view(block.data, block.size);
    if (!view.valid()) {
        launcher::fail("the launch plan is of an unknown version");
        reportStart(false);
        return 1;
    }
    const auto launch = view.root<plan::Launch>();
    if (launch.mode != plan::Mode::shim) return launchOnce(view, launch, g_received[0].get(), kControlFd);
    showId(argc > 1 ? argv[1] : nullptr, view.text(launch.id));
    // An external runtime takes its time: a daemon that is restarted meanwhile has to find this shim and wait for it.
    const bool listens_early = *view.text(launch.external_runtime) != '\0';
    const uint32_t clients = launch.clients.count < launcher::kMaxPassed ? launch.clients.count : 0;
    const bool started = (!listens_early || controlListen(view.text(launch.run_dir))) &&
                         startContainer({view, launch, g_received[0].get(), g_received + 1, clients});
    reportStart(started);
    if (!started) return 1;
    (void)::munmap(block.data, block.size);
    g_received[0].reset();
    controlAdopt(kControlFd);
    if (!listens_early && !controlListen(g_container.run_dir)) return 1;
    oomWatchStart();
    reapChildren();  // the signal of a child that ended during the start may be consumed
    serve();
    return 0;
}

}  // namespace davit::shim
