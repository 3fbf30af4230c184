#include "resolver/privileges.hpp"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.hpp"

namespace davit::resolver {

void dropPrivileges() {
    check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "forbid new privileges");
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3]{};
    check(::syscall(SYS_capget, &header, data), "read the capabilities");
    constexpr unsigned kKept = 1U << CAP_SYS_ADMIN;
    static_assert(CAP_SYS_ADMIN < 32);
    data[0].permitted &= kKept;
    data[0].effective = data[0].permitted;
    data[0].inheritable = 0;
    data[1] = {};
    check(::syscall(SYS_capset, &header, data), "give up capabilities");
}

}  // namespace davit::resolver
