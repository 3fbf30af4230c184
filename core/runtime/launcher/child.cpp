#include "runtime/launcher/child.hpp"

#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "runtime/launcher/hooks.hpp"
#include "runtime/launcher/mounts.hpp"
#include "runtime/launcher/pass_fd.hpp"
#include "runtime/launcher/process.hpp"
#include "runtime/launcher/root.hpp"

namespace davit::launcher {
namespace {

constexpr int kChannelFd = 3;
constexpr int kStartFd = 4;

const plan::View* g_view = nullptr;  // for awaitStart()
const plan::Launch* g_plan = nullptr;
bool g_on_its_own = false;  // OCI create has returned: the program's own stderr is the only one left to tell

[[noreturn]] void giveUp(int channel) {
    ChildMessage message;
    message.failure = g_failure;
    if (g_on_its_own) {
        char line[1200];
        TextBuffer text(line, sizeof line);
        text.add(g_failure.text);
        if (g_failure.error != 0) text.add(": ").add(::strerrordesc_np(g_failure.error));
        text.add("\n");
        (void)!::write(STDERR_FILENO, line, text.length());
    }
    (void)::send(channel, &message, sizeof message, MSG_NOSIGNAL);  // the parent may be gone: then nobody asks
    ::_exit(g_failure.exit_code != 0 ? g_failure.exit_code : 1);
}

bool await(int channel, char expected) {
    char byte = 0;
    while (true) {
        const ssize_t count = ::recv(channel, &byte, 1, 0);
        if (count == 1 && byte == expected) return true;
        if (count < 0 && errno == EINTR) continue;
        return fail("the launcher went away");
    }
}

bool awaitGo() { return await(kChannelFd, kGo); }

/// For OCI's create and start: the parent leaves once it knows that all is prepared; a byte in the FIFO is the start.
bool awaitStart() {
    if (!await(kChannelFd, kGo)) return false;
    ChildMessage message;
    message.note = Note::prepared;
    if (::send(kChannelFd, &message, sizeof message, MSG_NOSIGNAL) < 0) return failWithErrno("report that all is prepared");
    g_on_its_own = true;
    char byte;
    while (true) {
        const ssize_t count = ::read(kStartFd, &byte, 1);
        if (count == 1) return runHooks(*g_view, g_plan->start_hooks, g_view->text(g_plan->hook_state), "created");
        if (count < 0 && errno == EINTR) continue;
        return failWithErrno("wait for the start");
    }
}

/// The descriptors that live until exec get the first numbers: becomeProcess() closes all above.
bool keepDescriptors(int* channel, int start) {
    const Fd high(start >= 0 ? ::fcntl(start, F_DUPFD_CLOEXEC, 16) : -1);
    if (*channel != kChannelFd && ::dup3(*channel, kChannelFd, O_CLOEXEC) < 0) return failWithErrno("move the channel");
    *channel = kChannelFd;
    return start < 0 || ::dup3(high.get(), kStartFd, O_CLOEXEC) >= 0 || failWithErrno("move the start's descriptor");
}

bool sendTerminal(int channel, int master) {
    ChildMessage message;
    message.note = Note::terminal;
    return sendWithFd(channel, &message, sizeof message, master) || failWithErrno("hand over the terminal");
}

/// Held by the parent: when the process exits, the unmounting isn't part of it.
bool sendMounts(int channel) {
    ChildMessage message;
    message.note = Note::mounts;
    const Fd mounts(::open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
    return !mounts || sendWithFd(channel, &message, sizeof message, mounts.get()) || failWithErrno("hand over the mount namespace");
}

bool setUpTerminal(const plan::Process& process, int root, int channel, bool console) {
    int peer = -1;
    const Fd master(openTerminal(root, process, &peer, console));
    if (!master) return false;
    if (!sendTerminal(channel, master.get())) return false;
    if (::ioctl(peer, TIOCSCTTY, 0) != 0) return failWithErrno("set the controlling terminal");
    const int streams[3] = {peer, peer, peer};
    const bool placed = placeStreams(streams);
    (void)::close(peer);
    return placed;
}

bool joinNamespaces(const plan::View& view, const plan::Launch& plan) {
    for (uint32_t i = 0; i < plan.namespaces.count; ++i) {
        const plan::Namespace entry = view.at<plan::Namespace>(plan.namespaces, i);
        if (entry.flag == CLONE_NEWPID) continue;  // joined by the parent: it counts for children only
        const char* path = view.text(entry.path);
        const Fd fd(::open(path, O_RDONLY | O_CLOEXEC));
        if (!fd || ::setns(fd.get(), static_cast<int>(entry.flag)) != 0) return failWithErrno("join the namespace ", path);
    }
    return true;
}

bool becomeRootOfUserNamespace(int channel) {
    if (!await(channel, kMapped)) return false;
    if (::syscall(SYS_setresgid, 0, 0, 0) != 0 || ::syscall(SYS_setresuid, 0, 0, 0) != 0)
        return failWithErrno("become root in the user namespace");
    return true;
}

bool raiseLoopback() {
    const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    struct ifreq request {};
    memcpy(request.ifr_name, "lo", 3);
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    return (socket && ::ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0) || failWithErrno("raise the loopback interface");
}

bool setNames(const plan::View& view, const plan::Launch& plan) {
    const char* host = view.text(plan.hostname);
    const char* domain = view.text(plan.domainname);
    if (*host != '\0' && ::sethostname(host, strlen(host)) != 0) return failWithErrno("set the host name");
    if (*domain != '\0' && ::setdomainname(domain, strlen(domain)) != 0) return failWithErrno("set the domain name");
    return true;
}

bool enterCgroups(const plan::View& view, const plan::Launch& plan) {
    for (uint32_t i = 0; i < plan.cgroup_directories.count; ++i) {
        const plan::CgroupDirectory directory = view.at<plan::CgroupDirectory>(plan.cgroup_directories, i);
        if (!enterCgroup(view.text(directory.path))) return false;
    }
    return true;
}

/// A cgroup namespace's root is the group that its maker is in: then the groups are entered before their limits are set.
bool awaitCgroups(const plan::View& view, const plan::Launch& plan, Entry entry, int channel) {
    if (!await(channel, kCgroups)) return false;
    if (!plan.new_cgroup_namespace) return true;
    if (entry == Entry::enters && !enterCgroups(view, plan)) return false;
    return ::unshare(CLONE_NEWCGROUP) == 0 || failWithErrno("make a cgroup namespace");
}

bool makeMounts(const plan::View& view, const plan::Launch& plan, Entry entry, int root, int channel) {
    bool ready = false;
    for (uint32_t i = 0; i < plan.mounts.count; ++i) {
        const plan::Mount mount = view.at<plan::Mount>(plan.mounts, i);
        if ((mount.flags & plan::mount_after_cgroup) && !ready) {
            if (!awaitCgroups(view, plan, entry, channel)) return false;
            ready = true;
        }
        if (!makeMount(view, mount, root) && (mount.flags & plan::mount_optional) == 0) return false;
    }
    return ready || awaitCgroups(view, plan, entry, channel);
}

/// Late, so that the device rules don't hinder the making of nodes; before the host's tree goes out of reach.
bool enterLimitedCgroups(const plan::View& view, const plan::Launch& plan, Entry entry, int channel) {
    if (entry != Entry::enters) return true;
    return await(channel, kLimits) && (plan.new_cgroup_namespace || enterCgroups(view, plan));
}

bool buildRoot(const plan::View& view, const plan::Launch& plan, Entry entry, int channel) {
    const Fd root(mountRoot(view, plan));
    if (!root) return false;
    if (!makeMounts(view, plan, entry, root.get(), channel)) return false;
    if (!makeNodes(view, plan, root.get()) || !makeLinks(view, plan, root.get())) return false;
    if (!writeSysctls(view, plan, root.get())) return false;
    if (plan.process.terminal && !setUpTerminal(plan.process, root.get(), channel, true)) return false;
    if (!maskPaths(view, plan, root.get()) || !makeReadOnly(view, plan, root.get())) return false;
    if (!enterLimitedCgroups(view, plan, entry, channel)) return false;
    if (!runHooks(view, plan.create_hooks, view.text(plan.hook_state), "creating")) return false;
    return enterRoot(root.get(), plan.root_readonly != 0);
}

bool prepareInit(const plan::View& view, const plan::Launch& plan, Entry entry, int channel, const int (&streams)[3]) {
    ::umask(0);
    if ((plan.new_namespaces & CLONE_NEWUSER) && !becomeRootOfUserNamespace(channel)) return false;
    if (!joinNamespaces(view, plan)) return false;
    if (::setsid() < 0 && errno != EPERM) return failWithErrno("start a session");
    if (!plan.process.terminal && !placeStreams(streams)) return false;
    if (plan.loopback_up && !raiseLoopback()) return false;
    return setNames(view, plan) && sendMounts(channel) && buildRoot(view, plan, entry, channel);
}

/// What has been waiting has nothing of the parent's but this socket and the standard streams.
bool keepOnly(int channel) {
    if (channel != kChannelFd && ::dup3(channel, kChannelFd, O_CLOEXEC) < 0) return failWithErrno("move the channel");
    return ::syscall(SYS_close_range, kChannelFd + 1U, ~0U, 0U) == 0 || failWithErrno("close descriptors");
}

bool mapPlan(int file, plan::View* view) {
    struct stat facts;
    if (::fstat(file, &facts) != 0) return failWithErrno("look at the launch plan");
    const auto size = static_cast<size_t>(facts.st_size);
    const void* data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    if (data == MAP_FAILED) return failWithErrno("map the launch plan");
    *view = plan::View(data, size);
    return view->valid() || fail("the launch plan is of an unknown version");
}

}  // namespace

void runReady(int channel) {
    static plan::View view;
    static plan::Launch plan;
    Order order;
    Fd received[4];
    if (!keepOnly(channel)) giveUp(channel);
    if (receiveWithFds(kChannelFd, &order, sizeof order, received, 4) != sizeof order) ::_exit(0);  // the parent has no use for us
    if (!mapPlan(received[0].get(), &view)) giveUp(kChannelFd);
    plan = view.root<plan::Launch>();
    if (order.unshare != 0 && ::unshare(static_cast<int>(order.unshare)) != 0) {
        failWithErrno("make a mount namespace");
        giveUp(kChannelFd);
    }
    const int streams[3] = {received[1].get(), received[2].get(), received[3].get()};
    runInit(view, plan, order.entry, kChannelFd, streams);
}

void runInit(const plan::View& view, const plan::Launch& plan, Entry entry, int channel, const int (&streams)[3]) {
    g_view = &view;
    g_plan = &plan;
    const bool waits = *view.text(plan.start_fifo) != '\0';
    // Read-write: a FIFO opened so neither blocks nor ends.
    const int start = waits ? ::open(view.text(plan.start_fifo), O_RDWR | O_CLOEXEC | O_NOFOLLOW) : -1;
    if (waits && start < 0) {
        failWithErrno("open ", view.text(plan.start_fifo));
    } else if (prepareInit(view, plan, entry, channel, streams) && keepDescriptors(&channel, start)) {
        (void)becomeProcess(view, plan.process, waits ? kStartFd : kChannelFd, waits ? awaitStart : awaitGo);
    }
    giveUp(channel);
}

void runInside(const plan::View& view, const plan::Process& process, const Container& container, Entry entry, int channel,
               const int (&streams)[3]) {
    const auto enter = [&] {
        for (uint32_t i = 0; entry == Entry::enters && i < container.cgroup_count; ++i)
            if (!enterCgroup(container.cgroups[i])) return false;
        if (!await(channel, kCgroups)) return false;
        // The pid namespace came with the clone.
        const int flags = static_cast<int>(container.namespaces & ~uint64_t{CLONE_NEWPID});
        if (flags != 0 && ::setns(container.pidfd, flags) != 0) return failWithErrno("enter the container's namespaces");
        if (::setsid() < 0) return failWithErrno("start a session");
        if ((flags & CLONE_NEWUSER) && (::syscall(SYS_setresgid, 0, 0, 0) != 0 || ::syscall(SYS_setresuid, 0, 0, 0) != 0))
            return failWithErrno("become root in the user namespace");
        if (!process.terminal) return placeStreams(streams);
        const Fd root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
        return setUpTerminal(process, root.get(), channel, false);
    };
    if (enter() && keepDescriptors(&channel, -1)) (void)becomeProcess(view, process, kChannelFd, awaitGo);
    giveUp(channel);
}

}  // namespace davit::launcher
