#include "linux/netlink/in_namespace.hpp"

#include <sched.h>

#include <exception>
#include <thread>

#include "base/check.hpp"

namespace davit::linux {

void inNetworkNamespace(int namespace_fd, const std::function<void()>& work) {
    std::exception_ptr failure;
    std::thread([&] {
        try {
            check(::setns(namespace_fd, CLONE_NEWNET), "enter the network namespace");
            work();
        } catch (...) {  // a thread's entry: the caller gets it
            failure = std::current_exception();
        }
    }).join();
    if (failure) std::rethrow_exception(failure);
}

}  // namespace davit::linux
