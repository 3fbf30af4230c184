#include "linux/netlink/in_namespace.hpp"

#include <fcntl.h>
#include <sched.h>

#include <chrono>
#include <thread>

#include "base/check.hpp"
#include "base/defer.hpp"
#include "base/file.hpp"

namespace davit::linux {
namespace {

/// Only memory can be missing for it. Nothing may run on this thread before it is back.
void comeBack(int home) {
    while (::setns(home, CLONE_NEWNET) != 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

}  // namespace

void inNetworkNamespace(int namespace_fd, const std::function<void()>& work) {
    const UniqueFd home = openFile("/proc/thread-self/ns/net", O_RDONLY);
    check(::setns(namespace_fd, CLONE_NEWNET), "enter the network namespace");
    const Defer back([&home] { comeBack(home.get()); });
    work();
}

}  // namespace davit::linux
