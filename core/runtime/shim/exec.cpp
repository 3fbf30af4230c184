#include "runtime/shim/exec.hpp"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "runtime/shim/control.hpp"
#include "runtime/shim/external.hpp"
#include "runtime/shim/runtime_command.hpp"

namespace davit::shim {
namespace {

using launcher::Fd;
using launcher::TextBuffer;

void execDetached(const Io* io) {
    protocol::Exit event;
    event.message.type = protocol::Type::detached;
    TextBuffer(event.exec_id, sizeof event.exec_id).add(io->id);
    controlBroadcast(&event, sizeof event);
}

void reply(ExecProcess* process, bool worked) {
    if (process->replied) return;
    process->replied = true;
    protocol::Reply answer;
    if (!worked) answer = failureReply(process->serial);
    answer.message.type = protocol::Type::reply;
    answer.message.serial = process->serial;
    answer.pid = process->child.pid;
    answer.time_ns = wallClock();
    if (process->requester >= 0) controlSend(process->requester, &answer, sizeof answer);
}

void forgetExec(ExecProcess* process) {
    for (ExecProcess** at = &g_container.execs; *at != nullptr; at = &(*at)->next) {
        if (*at != process) continue;
        *at = process->next;
        break;
    }
    ioAbandon(&process->io);
    loopClose(&process->io.in);
    loopClose(&process->io.out);
    loopClose(&process->io.err);
    loopClose(&process->channel);
    for (int& fd : process->streams) {
        if (fd >= 0) (void)::close(fd);
        fd = -1;
    }
    if (process->client >= 0) (void)::close(process->client);
    externalForget(process);
    process->child.channel.reset();
    process->child.pidfd.reset();
    process->child.mount_namespace.reset();
    loopFree(process);
}

void beginStreams(ExecProcess* process, int master) {
    if (process->io.terminal) {
        const int input = process->open_stdin && master >= 0 ? ::fcntl(master, F_DUPFD_CLOEXEC, 0) : -1;
        ioStart(&process->io, input, master, -1);
    } else {
        ioStart(&process->io, process->streams[0], process->streams[1], process->streams[2]);
        for (int& fd : process->streams) fd = -1;
    }
    if (process->client < 0) return;
    ClientOptions options;
    options.streams = process->client_options.streams;
    options.framed = process->client_options.framed != 0;
    options.keys = process->keys;
    options.key_count = static_cast<uint32_t>(strlen(reinterpret_cast<const char*>(process->keys)));
    const int client = process->client;
    process->client = -1;
    (void)ioAttach(&process->io, client, options);
}

/// The start's progress. After a failure the process is only a zombie to be: execEnded() forgets it.
void channelReady(Watch* watch, uint32_t) {
    auto* process = reinterpret_cast<ExecProcess*>(watch);
    Fd master;
    switch (launcher::readChannel(watch->fd, &master)) {
        case launcher::Progress::again:
        case launcher::Progress::mounts:
        case launcher::Progress::prepared: return;
        case launcher::Progress::terminal: return beginStreams(process, master.release());
        case launcher::Progress::failed:
            reply(process, false);
            loopClose(watch);
            return;
        case launcher::Progress::running: break;
    }
    loopClose(watch);
    process->running = true;
    if (!process->io.terminal) beginStreams(process, -1);
    reply(process, true);
}

bool openPipes(ExecProcess* process, Fd (&theirs)[3]) {
    for (int i = 0; i < 3; ++i) {
        int ends[2];
        if (i == 0 && !process->open_stdin) {
            theirs[0].reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
            continue;
        }
        if (::pipe2(ends, O_CLOEXEC) != 0) return launcher::failWithErrno("make a pipe");
        process->streams[i] = ends[i == 0 ? 1 : 0];
        theirs[i].reset(ends[i == 0 ? 0 : 1]);
    }
    return true;
}

ExecProcess* makeExec(const plan::View& view, const plan::Exec& exec, int client) {
    auto* process = static_cast<ExecProcess*>(::calloc(1, sizeof(ExecProcess)));
    if (process == nullptr) return nullptr;
    TextBuffer(process->id, sizeof process->id).add(view.text(exec.exec_id));
    process->channel.fd = -1;
    process->io.in.fd = process->io.out.fd = process->io.err.fd = -1;
    process->io.id = process->id;
    process->io.terminal = exec.process.terminal != 0;
    process->io.stdin_once = true;
    process->io.detached = execDetached;
    process->client = client;
    process->client_options = exec.client;
    TextBuffer(reinterpret_cast<char*>(process->keys), sizeof process->keys).add(view.text(exec.client.detach_keys));
    process->open_stdin = exec.open_stdin != 0;
    for (int& fd : process->streams) fd = -1;
    process->child.pid = -1;
    // calloc gave zeros, which are descriptors.
    (void)process->child.pidfd.release();
    (void)process->child.channel.release();
    (void)process->child.mount_namespace.release();
    return process;
}

}  // namespace

bool startExec(const plan::View& view, const plan::Exec& exec, int client, int requester, uint32_t serial) {
    Fd owned(client);
    if (!g_container.running) return launcher::fail("the container isn't running");
    if (findExec(view.text(exec.exec_id)) != nullptr) return launcher::fail("an exec of that id runs already");
    ExecProcess* process = makeExec(view, exec, owned.release());
    if (process == nullptr) return launcher::fail("out of memory");
    process->next = g_container.execs;
    g_container.execs = process;
    process->serial = serial;
    process->requester = requester;
    Fd theirs[3];
    const launcher::Container container = {g_container.init.pidfd.get(), g_container.init.pid, g_container.namespaces,
                                           g_container.cgroups, g_container.cgroup_count};
    bool started = process->io.terminal || openPipes(process, theirs);
    if (started) {
        const int streams[3] = {theirs[0].get(), theirs[1].get(), theirs[2].get()};
        started = runtimeUsed() ? externalExec(view, exec, process, streams)
                                : launcher::launchInside(view, exec.process, container, streams, &process->child);
    }
    if (!started) {
        forgetExec(process);
        return false;
    }
    if (runtimeUsed()) return true;
    process->channel.fd = process->child.channel.release();
    process->channel.ready = channelReady;
    (void)::fcntl(process->channel.fd, F_SETFL, O_NONBLOCK);
    loopSet(&process->channel, EPOLLIN);
    return true;
}

void execRuns(ExecProcess* process, int master) {
    process->running = true;
    beginStreams(process, master);
    reply(process, true);
}

void execFailed(ExecProcess* process) {
    reply(process, false);
    forgetExec(process);
}

bool execEnded(pid_t pid, int code) {
    ExecProcess* process = g_container.execs;
    while (process != nullptr && process->child.pid != pid) process = process->next;
    if (process == nullptr) return false;
    // Its last words may still be in the channel: a terminal, then a failure or the end.
    for (int message = 0; message < 3 && process->channel.fd >= 0; ++message) channelReady(&process->channel, EPOLLIN);
    const bool ran = process->running;
    if (ran) {
        ioFinish(&process->io);
        protocol::Exit event;
        event.message.type = protocol::Type::exec_exited;
        event.code = code;
        event.time_ns = wallClock();
        TextBuffer(event.exec_id, sizeof event.exec_id).add(process->id);
        controlBroadcast(&event, sizeof event);
    }
    process->child.pid = -1;
    process->running = false;
    if (!ran) forgetExec(process);
    return true;
}

void sweepExecs() {
    for (ExecProcess* process = g_container.execs; process != nullptr;) {
        ExecProcess* next = process->next;
        const bool starting = process->external.command != 0;
        if (process->child.pid < 0 && !starting && !ioAwaitsRelease(&process->io, controlConnected()) && !ioBusy(&process->io))
            forgetExec(process);
        process = next;
    }
}

bool execsAwaitRelease() {
    for (const ExecProcess* process = g_container.execs; process != nullptr; process = process->next)
        if (process->io.ended && !process->io.released) return true;
    return false;
}

ExecProcess* findExec(const char* id) {
    for (ExecProcess* process = g_container.execs; process != nullptr; process = process->next)
        if (strcmp(process->id, id) == 0) return process;
    return nullptr;
}

void forgetRequester(int requester) {
    for (ExecProcess* process = g_container.execs; process != nullptr; process = process->next)
        if (process->requester == requester) process->requester = -1;
}

}  // namespace davit::shim
