#include "resolver/namespaces.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdlib>

#include "base/file.hpp"

namespace davit::resolver {

NamespaceSwitch::NamespaceSwitch() : home_(openFile("/proc/thread-self/ns/net", O_RDONLY)) {}

UniqueFd NamespaceSwitch::socketAtHome(int family, int type) {
    return UniqueFd(::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

UniqueFd NamespaceSwitch::socketIn(int namespace_fd, int family, int type) const {
    if (::setns(namespace_fd, CLONE_NEWNET) != 0) return {};
    UniqueFd made = socketAtHome(family, type);
    const int saved = errno;
    if (::setns(home_.get(), CLONE_NEWNET) != 0) std::abort();
    errno = saved;
    return made;
}

}  // namespace davit::resolver
