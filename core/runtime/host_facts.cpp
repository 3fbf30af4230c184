#include <sys/prctl.h>
#include <sys/utsname.h>

#include <cstdio>

#include "base/check.hpp"
#include "linux/capability.hpp"
#include "linux/cgroup.hpp"
#include "runtime/apparmor.hpp"
#include "runtime/spec_builder.hpp"

namespace davit::runtime {
namespace {

HostFacts findFacts() {
    HostFacts facts;
    facts.cgroup_v2 = linux::hostCgroupLayout().unified;
    // EINVAL: a kernel without seccomp; a filter of our own still answers.
    facts.seccomp = ::prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0 || errno != EINVAL;
    facts.apparmor = appArmorSupported();
    facts.capabilities = linux::allCapabilities();
    utsname host{};
    check(::uname(&host), "read the kernel's version");
    (void)std::sscanf(host.release, "%u.%u", &facts.kernel_major, &facts.kernel_minor);  // zeros if it has another form
    return facts;
}

}  // namespace

const HostFacts& hostFacts() {
    static const HostFacts facts = findFacts();
    return facts;
}

}  // namespace davit::runtime
