#include "runtime/launcher/ready.hpp"

#include <linux/sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "runtime/launcher/pass_fd.hpp"

namespace davit::launcher {

pid_t cloneProcess(uint64_t flags, const Fd& group, Entry* entry, Fd* pidfd) {
    struct clone_args args {};
    int fd = -1;
    args.flags = flags | CLONE_PIDFD | (*entry == Entry::born ? CLONE_INTO_CGROUP : 0);
    args.pidfd = reinterpret_cast<uint64_t>(&fd);
    args.exit_signal = SIGCHLD;
    args.cgroup = *entry == Entry::born ? static_cast<uint64_t>(group.get()) : 0;
    const long pid = ::syscall(SYS_clone3, &args, sizeof args);
    // EAGAIN: the group's limit of processes; moving would get around it.
    if (pid < 0 && *entry == Entry::born && errno != EAGAIN) {
        *entry = Entry::moved;
        return cloneProcess(flags, group, entry, pidfd);
    }
    if (pid > 0) pidfd->reset(fd);
    return static_cast<pid_t>(pid);
}

bool openChannel(Fd* ours, Fd* theirs) {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return failWithErrno("make a channel");
    ours->reset(pair[0]);
    theirs->reset(pair[1]);
    return true;
}

bool makeReady(uint64_t namespaces, Child* child) {
    Fd theirs;
    Child made;
    if (!openChannel(&made.channel, &theirs)) return false;
    Entry entry = Entry::enters;
    made.pid = cloneProcess(namespaces, Fd(), &entry, &made.pidfd);
    if (made.pid < 0) return failWithErrno("clone into new namespaces");
    if (made.pid == 0) {
        made.channel.reset();
        runReady(theirs.release());
    }
    made.ready_in = namespaces;
    *child = static_cast<Child&&>(made);
    return true;
}

bool takeReady(const Launching& what, Entry entry, const Child& child) {
    const plan::Launch& plan = what.plan;
    // A process enters a v2 group at its birth, and a pid namespace too.
    if (entry == Entry::born || (plan.new_namespaces & ~uint64_t{CLONE_NEWNS}) != child.ready_in) return false;
    for (uint32_t i = 0; i < plan.namespaces.count; ++i)
        if (what.view.at<plan::Namespace>(plan.namespaces, i).flag == CLONE_NEWPID) return false;
    const Order order = {entry, plan.new_namespaces & CLONE_NEWNS};
    const int fds[] = {what.plan_file, what.streams[0], what.streams[1], what.streams[2]};
    // With a terminal there are no streams.
    return sendWithFds(child.channel.get(), &order, sizeof order, fds, plan.process.terminal ? 1 : 4);
}

void endReady(Child* child) {
    (void)::kill(child->pid, SIGKILL);  // not reaped yet: the pid is still its
    while (::waitpid(child->pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    *child = Child();
}

}  // namespace davit::launcher
