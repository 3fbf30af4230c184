#include "runtime/shim/once.hpp"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "runtime/launcher/launch.hpp"
#include "runtime/launcher/pass_fd.hpp"
#include "runtime/shim/control.hpp"

namespace davit::shim {
namespace {

using launcher::Child;
using launcher::Fd;
using launcher::Progress;

void ignoreWarning(const char*) {}

/// The OCI runtimes' convention: the master's descriptor with its name as the datagram.
bool sendMaster(const char* path, int master) {
    struct sockaddr_un address {};
    address.sun_family = AF_UNIX;
    if (strlen(path) >= sizeof address.sun_path) return launcher::fail("the console socket's path is too long: ", path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket || ::connect(socket.get(), reinterpret_cast<struct sockaddr*>(&address), sizeof address) != 0)
        return launcher::failWithErrno("connect to the console socket ", path);
    char name[] = "/dev/ptmx";
    return launcher::sendWithFd(socket.get(), name, sizeof name - 1, master) || launcher::failWithErrno("send the console");
}

bool joinContainer(const plan::View& view, const plan::Launch& launch, Child* child) {
    const Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, launch.join_pid, 0)));
    if (!pidfd) return launcher::failWithErrno("open the container's process");
    const uint32_t count = launch.cgroup_directories.count;
    auto** cgroups = static_cast<const char**>(::calloc(count + 1U, sizeof(char*)));
    if (cgroups == nullptr) return launcher::fail("out of memory");
    for (uint32_t i = 0; i < count; ++i)
        cgroups[i] = view.text(view.at<plan::CgroupDirectory>(launch.cgroup_directories, i).path);
    const launcher::Container container = {pidfd.get(), static_cast<pid_t>(launch.join_pid), launch.new_namespaces, cgroups, count};
    const bool started = launcher::launchInside(view, launch.process, container, {0, 1, 2}, child);
    ::free(static_cast<void*>(cgroups));
    return started;
}

bool follow(const plan::View& view, const plan::Launch& launch, Child* child) {
    while (true) {
        Fd master;
        switch (launcher::readChannel(child->channel.get(), &master)) {
            case Progress::prepared: return true;
            case Progress::running:
                return launch.mode == plan::Mode::join || launcher::fail("the container's first process has gone");
            case Progress::failed: return false;
            case Progress::terminal:
                if (!sendMaster(view.text(launch.console_socket), master.get())) return false;
                break;
            case Progress::mounts:
            case Progress::again: break;
        }
    }
}

void removeCgroups(const plan::View& view, const plan::Launch& launch) {
    if (launch.mode != plan::Mode::launch) return;
    for (uint32_t i = 0; i < launch.cgroup_directories.count; ++i)
        (void)launcher::removeCgroup(view.text(view.at<plan::CgroupDirectory>(launch.cgroup_directories, i).path));
}

}  // namespace

int launchOnce(const plan::View& view, const plan::Launch& launch, int plan_file, int control) {
    Child child;
    bool started = launch.mode == plan::Mode::launch ? launcher::launch({view, launch, plan_file, {0, 1, 2}}, ignoreWarning, &child)
                                                     : joinContainer(view, launch, &child);
    if (started && !follow(view, launch, &child)) {
        const launcher::Failure failure = launcher::g_failure;
        (void)::kill(child.pid, SIGKILL);
        (void)::waitpid(child.pid, nullptr, 0);
        launcher::g_failure = failure;
        started = false;
    }
    protocol::Reply reply = started ? protocol::Reply{} : failureReply(0);
    reply.message = {started ? protocol::Type::started : protocol::Type::failed, 0};
    reply.pid = child.pid;
    if (!started) removeCgroups(view, launch);
    (void)::send(control, &reply, sizeof reply, MSG_NOSIGNAL);
    return started ? 0 : 1;
}

}  // namespace davit::shim
