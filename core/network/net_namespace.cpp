#include "network/net_namespace.hpp"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <exception>
#include <thread>

#include "base/check.hpp"
#include "base/defer.hpp"
#include "base/file.hpp"
#include "linux/netlink/in_namespace.hpp"

namespace davit::network {
namespace {

/// unshare belongs on a thread that ends with the work: the namespace can't leak into the daemon's others.
void onOwnThread(const std::function<void()>& work) {
    std::exception_ptr failure;
    std::thread([&] {
        try {
            work();
        } catch (...) {  // a thread's entry: carried over
            failure = std::current_exception();
        }
    }).join();
    if (failure) std::rethrow_exception(failure);
}

void raiseLoopback() {
    const UniqueFd socket(check(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "open a socket"));
    ifreq request{};
    request.ifr_name[0] = 'l';
    request.ifr_name[1] = 'o';
    request.ifr_flags = IFF_UP;
    check(::ioctl(socket.get(), SIOCSIFFLAGS, &request), "raise the loopback interface");
}

/// A kernel without the protocol doesn't have its files.
void writeSysctl(const char* name, std::string_view value) {
    const std::string path = std::string("/proc/sys/net/") + name;
    const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (file.get() < 0 && errno == ENOENT) return;
    check(file.get(), "open {}", path);
    writeAll(file.get(), value);
}

/// Interfaces to come get IPv6 only where their network has it.
void withoutIpv6() {
    writeSysctl("ipv6/conf/default/accept_ra", "0");
    writeSysctl("ipv6/conf/default/disable_ipv6", "1");
}

}  // namespace

UniqueFd newNamespace() {
    UniqueFd made;
    onOwnThread([&made] {
        check(::unshare(CLONE_NEWNET), "make a network namespace");
        made = openFile("/proc/thread-self/ns/net", O_RDONLY);
        raiseLoopback();
        writeSysctl("ipv4/ip_unprivileged_port_start", "0");
        writeSysctl("ipv4/ping_group_range", "0 2147483647");
        withoutIpv6();
    });
    return made;
}

void bindNamespace(const UniqueFd& name_space, const std::filesystem::path& path) {
    makeDirectories(path.parent_path(), 0711);
    const UniqueFd file = openFile(path, O_CREAT | O_EXCL | O_RDONLY, 0444);
    Defer undo([&] { removeNamespace(path); });
    const std::string source = fmt::format("/proc/self/fd/{}", name_space.get());
    check(::mount(source.c_str(), path.c_str(), nullptr, MS_BIND, nullptr), "bind a network namespace on {}", path.string());
    undo.dismiss();
}

void makeNamespace(const std::filesystem::path& path) { bindNamespace(newNamespace(), path); }

void adoptNamespace(const std::filesystem::path& source, const std::filesystem::path& path) {
    bindNamespace(openFile(source, O_RDONLY), path);
    Defer undo([&] { removeNamespace(path); });
    inNamespace(path, withoutIpv6);
    undo.dismiss();
}

void removeNamespace(const std::filesystem::path& path) {
    if (::umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0 && errno != EINVAL && errno != ENOENT)
        throw Error::system("unmount " + path.string(), errno);
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) throw Error::system("remove " + path.string(), errno);
}

std::vector<std::filesystem::path> namespaceFiles(const std::filesystem::path& directory) {
    std::vector<std::filesystem::path> files;
    std::error_code failed;
    for (std::filesystem::directory_iterator at(directory, failed), end; !failed && at != end; at.increment(failed))
        files.push_back(at->path());
    return files;
}

void inNamespace(const std::filesystem::path& path, const std::function<void()>& work) {
    const UniqueFd target = openFile(path, O_RDONLY);
    linux::inNetworkNamespace(target.get(), work);
}

void setIpv6(const std::filesystem::path& path, bool enabled) {
    inNamespace(path, [&] { writeSysctl("ipv6/conf/default/disable_ipv6", enabled ? "0" : "1"); });
}

}  // namespace davit::network
