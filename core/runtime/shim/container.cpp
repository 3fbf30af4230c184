#include "runtime/shim/container.hpp"

#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include <initializer_list>

#include "runtime/launcher/ready.hpp"
#include "runtime/shim/control.hpp"
#include "runtime/shim/exec.hpp"
#include "runtime/shim/external.hpp"
#include "runtime/shim/oom_watch.hpp"
#include "runtime/shim/runtime_command.hpp"

namespace davit::shim {

ContainerState g_container;

namespace {

using launcher::Fd;
using launcher::TextBuffer;

constexpr long kStartTimeoutSeconds = 60;
constexpr uint64_t kAllNamespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWUSER | CLONE_NEWCGROUP;

char* copyText(const char* text) { return *text != '\0' ? ::strdup(text) : nullptr; }

void warn(const char* what) {
    protocol::Reply reply;
    reply.message.type = protocol::Type::warning;
    reply.error = errno;
    TextBuffer(reply.text, sizeof reply.text).add("your kernel doesn't support the limit ").add(what);
    controlBroadcast(&reply, sizeof reply);
}

void detached(const Io* io) {
    protocol::Exit event;
    event.message.type = protocol::Type::detached;
    TextBuffer(event.exec_id, sizeof event.exec_id).add(io->id);
    controlBroadcast(&event, sizeof event);
}

void rememberContainer(const plan::View& view, const plan::Launch& launch) {
    g_container.id = copyText(view.text(launch.id));
    g_container.run_dir = copyText(view.text(launch.run_dir));
    g_container.oom_file = copyText(view.text(launch.oom_file));
    g_container.freeze_file = copyText(view.text(launch.freeze_file));
    g_container.freeze_v2 = launch.freeze_v2 != 0;
    g_container.cgroups = static_cast<char**>(::calloc(launch.cgroup_directories.count + 1U, sizeof(char*)));
    for (uint32_t i = 0; i < launch.cgroup_directories.count && g_container.cgroups != nullptr; ++i) {
        const plan::CgroupDirectory directory = view.at<plan::CgroupDirectory>(launch.cgroup_directories, i);
        char* path = copyText(view.text(directory.path));
        if (path != nullptr) g_container.cgroups[g_container.cgroup_count++] = path;
    }
    uint64_t namespaces = launch.new_namespaces | (launch.new_cgroup_namespace ? uint64_t{CLONE_NEWCGROUP} : 0);
    for (uint32_t i = 0; i < launch.namespaces.count; ++i)
        namespaces |= view.at<plan::Namespace>(launch.namespaces, i).flag;
    g_container.namespaces = namespaces & kAllNamespaces;
}

/// The three streams of the process and our ends of them.
struct Pipes {
    Fd ours[3];
    Fd theirs[3];
};

bool openPipes(bool with_stdin, bool terminal, Pipes* pipes) {
    if (terminal) return true;
    for (int i = 0; i < 3; ++i) {
        int ends[2];
        if (i == 0 && !with_stdin) {
            pipes->theirs[0].reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
            if (!pipes->theirs[0]) return launcher::failWithErrno("open /dev/null");
            continue;
        }
        if (::pipe2(ends, O_CLOEXEC) != 0) return launcher::failWithErrno("make a pipe");
        pipes->ours[i].reset(ends[i == 0 ? 1 : 0]);
        pipes->theirs[i].reset(ends[i == 0 ? 0 : 1]);
    }
    return true;
}

/// Follows the start to its end; true when the program runs.
bool awaitExec(launcher::Child* child, Fd* master) {
    const struct timeval limit = {kStartTimeoutSeconds, 0};
    (void)::setsockopt(child->channel.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    while (true) {
        Fd received;
        switch (launcher::readChannel(child->channel.get(), &received)) {
            case launcher::Progress::running: return true;
            case launcher::Progress::failed: return false;
            case launcher::Progress::terminal: *master = static_cast<Fd&&>(received); break;
            case launcher::Progress::mounts: child->mount_namespace = static_cast<Fd&&>(received); break;
            case launcher::Progress::prepared: break;
            case launcher::Progress::again: return launcher::fail("the start took longer than a minute");
        }
    }
}

void abandonStart() {
    const launcher::Failure failure = launcher::g_failure;
    if (g_container.init.pid > 0) {
        (void)::syscall(SYS_pidfd_send_signal, g_container.init.pidfd.get(), SIGKILL, nullptr, 0);
        while (::waitpid(g_container.init.pid, nullptr, 0) < 0 && errno == EINTR) {
        }
    }
    cleanUpContainer();
    launcher::g_failure = failure;
}

void attachClients(const Assignment& what) {
    const plan::View& view = what.view;
    for (uint32_t i = 0; i < what.client_count; ++i) {
        const plan::Client client = view.at<plan::Client>(what.launch.clients, i);
        ClientOptions options;
        options.streams = client.streams;
        options.framed = client.framed != 0;
        options.keys = view.text(client.detach_keys);
        options.key_count = static_cast<uint32_t>(strlen(view.text(client.detach_keys)));
        options.early = view.bytes(client.early);
        options.early_size = options.early != nullptr ? client.early.count : 0;
        (void)ioAttach(&g_container.io, what.clients[i].release(), options);
    }
}

void beginStreams(const plan::Launch& launch, Pipes* pipes, Fd* master) {
    Io* io = &g_container.io;
    io->terminal = launch.process.terminal != 0;
    io->stdin_once = launch.stdin_once != 0;
    io->log = &g_container.log;
    io->detached = detached;
    if (io->terminal) {
        const int input = launch.open_stdin ? ::fcntl(master->get(), F_DUPFD_CLOEXEC, 0) : -1;
        ioStart(io, input, master->release(), -1);
    } else {
        ioStart(io, pipes->ours[0].release(), pipes->ours[1].release(), pipes->ours[2].release());
    }
}

void writeExitFile() {
    char text[128];
    TextBuffer(text, sizeof text).add("code=").add(int64_t{g_container.exit_code}).add("\noom=").add(int64_t{g_container.oom}).add("\ntime=").add(g_container.finished_ns).add("\n");
    char path[4096];
    char temporary[4096];
    TextBuffer(path, sizeof path).add(g_container.run_dir).add("/exit");
    TextBuffer(temporary, sizeof temporary).add(path).add(".tmp");
    const Fd file(::open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    // A full /run loses only the file: the connected daemon gets the event.
    if (file && ::write(file.get(), text, strlen(text)) > 0) (void)::rename(temporary, path);
}

void initEnded(int code) {
    g_container.running = false;
    g_container.finished_ns = wallClock();
    g_container.exit_code = code;
    g_container.oom = oomKills() > 0;
    // Without an own pid namespace the kernel doesn't end the others.
    if ((g_container.namespaces & CLONE_NEWPID) == 0)
        for (uint32_t i = 0; i < g_container.cgroup_count; ++i) launcher::killCgroup(g_container.cgroups[i]);
    ioFinish(&g_container.io);
    protocol::Exit event;
    event.message.type = protocol::Type::exited;
    event.code = code;
    event.oom = g_container.oom;
    event.time_ns = g_container.finished_ns;
    controlBroadcast(&event, sizeof event);
    writeExitFile();  // after the event, which somebody waits for; the file is for a daemon that isn't there
}

}  // namespace

int64_t wallClock() {
    struct timespec now;
    ::clock_gettime(CLOCK_REALTIME, &now);
    return int64_t{now.tv_sec} * 1000000000 + now.tv_nsec;
}

bool startContainer(const Assignment& what) {
    const auto& [view, launch, plan_file, clients, client_count] = what;
    rememberContainer(view, launch);
    if (!g_container.log.open(view, launch.log)) return launcher::failWithErrno("open the log ", view.text(launch.log.path));
    Pipes pipes;
    if (!openPipes(launch.open_stdin != 0, launch.process.terminal != 0, &pipes)) return false;
    const int streams[3] = {pipes.theirs[0].get(), pipes.theirs[1].get(), pipes.theirs[2].get()};
    Fd master;
    launcher::Child& init = g_container.init;
    const bool external = *view.text(launch.external_runtime) != '\0';
    if (external && init.ready_in != 0) launcher::endReady(&init);
    if (external ? !externalStart(view, launch, streams, pipes.ours[2].get(), &init, &master)
                 : !launcher::launch({view, launch, plan_file, streams}, warn, &init)) {
        abandonStart();
        return false;
    }
    for (Fd& end : pipes.theirs) end.reset();
    if (!external && !awaitExec(&init, &master)) {
        abandonStart();
        return false;
    }
    init.channel.reset();
    g_container.started_ns = wallClock();
    g_container.running = true;
    beginStreams(launch, &pipes, &master);
    attachClients(what);
    return true;
}

void reapChildren() {
    while (true) {
        siginfo_t info;
        info.si_pid = 0;
        if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0) return;
        const int code = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
        if (info.si_pid == g_container.init.pid && g_container.running) {
            initEnded(code);
        } else if (!execEnded(info.si_pid, code)) {
            externalChildEnded(info.si_pid, code);  // else an orphan that came to us: reaped, forgotten
        }
    }
}

bool signalContainer(int signal) {
    if (!g_container.running) return errno = ESRCH, launcher::failWithErrno("signal the container");
    // A runtime may run its program behind another process; one whose command fails is gone round.
    if (runtimeUsed() && externalSignal(signal)) return true;
    return ::syscall(SYS_pidfd_send_signal, g_container.init.pidfd.get(), signal, nullptr, 0) == 0 ||
           launcher::failWithErrno("signal the container");
}

bool freezeContainer(bool frozen) {
    if (!g_container.running) return launcher::fail("the container can't be frozen");
    if (runtimeUsed() && externalFreeze(frozen)) return g_container.paused = frozen, true;
    if (g_container.freeze_file == nullptr) return launcher::fail("the container can't be frozen");
    const char* value = g_container.freeze_v2 ? (frozen ? "1" : "0") : (frozen ? "FROZEN" : "THAWED");
    if (!launcher::writeFile(AT_FDCWD, g_container.freeze_file, value)) return launcher::failWithErrno("freeze the container");
    g_container.paused = frozen;
    return true;
}

void cleanUpContainer() {
    if (g_container.cleaned) return;
    g_container.cleaned = true;
    externalDelete();
    for (uint32_t i = 0; i < g_container.cgroup_count; ++i) (void)launcher::removeCgroup(g_container.cgroups[i]);
    g_container.init.mount_namespace.reset();  // the last reference: everything is unmounted here
    if (g_container.run_dir == nullptr) return;
    for (const char* name : {"/shim.sock", "/cgroups"}) {
        char path[4096];
        TextBuffer(path, sizeof path).add(g_container.run_dir).add(name);
        (void)::unlink(path);
    }
    char root[4096];
    TextBuffer(root, sizeof root).add(g_container.run_dir).add("/rootfs");
    (void)::rmdir(root);
}

}  // namespace davit::shim
