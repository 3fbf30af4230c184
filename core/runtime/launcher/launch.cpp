#include "runtime/launcher/launch.hpp"

#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "runtime/launcher/pass_fd.hpp"
#include "runtime/launcher/ready.hpp"

extern "C" int setns(int, int) noexcept;

namespace davit::launcher {
namespace {

bool tell(const Child& child, char byte) {
    return ::send(child.channel.get(), &byte, 1, MSG_NOSIGNAL) == 1 || errno == EPIPE || failWithErrno("tell the child");
}

bool writeProcOf(pid_t pid, const char* file, const char* value) {
    char path[64];
    TextBuffer(path, sizeof path).add("/proc/").add(int64_t{pid}).add("/").add(file);
    return writeFile(AT_FDCWD, path, value);
}

bool writeMaps(const plan::View& view, const plan::Launch& plan, const Child& child) {
    if ((plan.new_namespaces & CLONE_NEWUSER) == 0) return true;
    if (!writeProcOf(child.pid, "uid_map", view.text(plan.uid_map))) return failWithErrno("write the uid map");
    if (!writeProcOf(child.pid, "gid_map", view.text(plan.gid_map))) return failWithErrno("write the gid map");
    return tell(child, kMapped);
}

/// The child starts with ours, which may be far below; raising needs no privilege, lowering needs CAP_SYS_RESOURCE.
bool setOomScore(const plan::Process& process, pid_t pid, WarningHandler warn) {
    char value[16];
    TextBuffer(value, sizeof value).add(int64_t{process.set_oom_score_adj ? process.oom_score_adj : 0});
    if (writeProcOf(pid, "oom_score_adj", value)) return true;
    if (errno != EACCES && errno != EPERM) return failWithErrno("write oom_score_adj");
    warn("oom_score_adj");
    return true;
}

/// In a user namespace the child has no right to the groups' files.
bool hasUserNamespace(const plan::View& view, const plan::Launch& plan) {
    if (plan.new_namespaces & CLONE_NEWUSER) return true;
    for (uint32_t i = 0; i < plan.namespaces.count; ++i)
        if (view.at<plan::Namespace>(plan.namespaces, i).flag == CLONE_NEWUSER) return true;
    return false;
}

/// Decides how the child gets into its groups. A v2 group is made here, before the clone.
bool chooseEntry(const plan::View& view, const plan::Launch& plan, Fd* group, Entry* entry) {
    *entry = hasUserNamespace(view, plan) ? Entry::moved : Entry::enters;
    if (plan.cgroup_directories.count == 0) return true;
    const plan::CgroupDirectory first = view.at<plan::CgroupDirectory>(plan.cgroup_directories, 0);
    const Fd hierarchy(openUnifiedCgroup(view.text(first.mount_point)));
    if (!hierarchy) return true;
    if (!makeCgroups(view, plan)) return false;
    group->reset(::open(view.text(first.path), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!*group) return failWithErrno("open the control group ", view.text(first.path));
    *entry = Entry::born;
    return true;
}

bool attachToAll(const plan::View& view, const plan::Launch& plan, pid_t pid) {
    for (uint32_t i = 0; i < plan.cgroup_directories.count; ++i) {
        const plan::CgroupDirectory directory = view.at<plan::CgroupDirectory>(plan.cgroup_directories, i);
        if (!attachToCgroup(view.text(directory.path), pid)) return false;
    }
    return true;
}

bool joinPidNamespace(const plan::View& view, const plan::Launch& plan) {
    for (uint32_t i = 0; i < plan.namespaces.count; ++i) {
        const plan::Namespace entry = view.at<plan::Namespace>(plan.namespaces, i);
        if (entry.flag != CLONE_NEWPID) continue;
        const Fd fd(::open(view.text(entry.path), O_RDONLY | O_CLOEXEC));
        if (!fd || ::setns(fd.get(), CLONE_NEWPID) != 0) return failWithErrno("join the namespace ", view.text(entry.path));
    }
    return true;
}

/// The parent's work while the child mounts.
bool parentWork(const plan::View& view, const plan::Launch& plan, Entry entry, WarningHandler warn, const Child& child) {
    if (!writeMaps(view, plan, child) || (entry != Entry::born && !makeCgroups(view, plan))) return false;
    // A cgroup namespace's root is the group that its maker is in: then the attachment comes first.
    const bool moved = entry == Entry::moved;
    if (moved && plan.new_cgroup_namespace && !attachToAll(view, plan, child.pid)) return false;
    if (!tell(child, kCgroups) || !setOomScore(plan.process, child.pid, warn)) return false;
    if (!limitCgroups(view, plan, warn)) return false;
    if (moved && !plan.new_cgroup_namespace && !attachToAll(view, plan, child.pid)) return false;
    return (entry != Entry::enters || tell(child, kLimits)) && tell(child, kGo);
}

void abandon(Child* child) {
    (void)::kill(child->pid, SIGKILL);  // not reaped yet: the pid is still its
    while (::waitpid(child->pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    child->pid = -1;
}

/// When both fail, what the child says is nearer to the cause: the parent sees only the consequence.
bool giveUpOn(Child* child) {
    const Failure own = g_failure;
    const int flags = ::fcntl(child->channel.get(), F_GETFL);
    (void)::fcntl(child->channel.get(), F_SETFL, flags | O_NONBLOCK);
    Fd unused;
    Progress progress;
    do progress = readChannel(child->channel.get(), &unused);
    while (progress == Progress::mounts || progress == Progress::terminal);
    if (own.error != ESRCH || progress != Progress::failed) g_failure = own;
    abandon(child);
    return false;
}

}  // namespace

Progress readChannel(int channel, Fd* received) {
    ChildMessage message;
    ssize_t count;
    // ECONNRESET: the child ended without having read our last byte. It is told once and before what the child has sent.
    do count = receiveWithFd(channel, &message, sizeof message, received);
    while (count < 0 && errno == ECONNRESET);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Progress::again;
    if (count <= 0) return Progress::running;
    if (message.note == Note::prepared) return Progress::prepared;
    if (message.note == Note::failed) {
        g_failure = message.failure;
        return Progress::failed;
    }
    if (!*received) return Progress::again;
    return message.note == Note::mounts ? Progress::mounts : Progress::terminal;
}

bool launch(const Launching& what, WarningHandler warn, Child* child) {
    const auto& [view, plan, plan_file, streams] = what;
    Fd theirs;
    Fd group;
    Entry entry;
    if (!chooseEntry(view, plan, &group, &entry)) return false;
    if (child->ready_in != 0) {
        if (takeReady(what, entry, *child)) return parentWork(view, plan, entry, warn, *child) || giveUpOn(child);
        endReady(child);
    }
    if (!joinPidNamespace(view, plan) || !openChannel(&child->channel, &theirs)) return false;
    child->pid = cloneProcess(plan.new_namespaces, group, &entry, &child->pidfd);
    if (child->pid < 0) return failWithErrno("clone into new namespaces");
    if (child->pid == 0) {
        child->channel.reset();
        runInit(view, plan, entry, theirs.release(), streams);
    }
    theirs.reset();
    return parentWork(view, plan, entry, warn, *child) || giveUpOn(child);
}

bool launchInside(const plan::View& view, const plan::Process& process, const Container& container, const int (&streams)[3],
                  Child* child) {
    if ((container.namespaces & CLONE_NEWPID) && ::setns(container.pidfd, CLONE_NEWPID) != 0)
        return failWithErrno("enter the container's pid namespace");
    Fd theirs;
    if (!openChannel(&child->channel, &theirs)) return false;
    const Fd group(container.cgroup_count > 0 ? openUnifiedCgroup(container.cgroups[0]) : -1);
    Entry entry = group ? Entry::born : Entry::enters;
    child->pid = cloneProcess(0, group, &entry, &child->pidfd);
    if (child->pid < 0) return failWithErrno("clone a process");
    if (child->pid == 0) {
        child->channel.reset();
        runInside(view, process, container, entry, theirs.release(), streams);
    }
    theirs.reset();
    for (uint32_t i = 0; entry == Entry::moved && i < container.cgroup_count; ++i)
        if (!attachBeside(container.cgroups[i], container.pid, child->pid)) return giveUpOn(child);
    const auto ignore = [](const char*) {};
    return (setOomScore(process, child->pid, ignore) && tell(*child, kCgroups) && tell(*child, kGo)) || giveUpOn(child);
}

}  // namespace davit::launcher
