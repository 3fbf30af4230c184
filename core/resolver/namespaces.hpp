// NamespaceSwitch: sockets of other network namespaces, for a program of one thread. A socket stays where it was made.
#pragma once

#include "base/unique_fd.hpp"

namespace davit::resolver {

class NamespaceSwitch {
  public:
    /// "Home" is the namespace of the caller.
    NamespaceSwitch();
    /// As socket(2), non-blocking, in the namespace of that descriptor; -1 with errno. A thread that can't come home ends the program:
    /// it would ask the wrong servers.
    [[nodiscard]] UniqueFd socketIn(int namespace_fd, int family, int type) const;
    [[nodiscard]] static UniqueFd socketAtHome(int family, int type);

  private:
    UniqueFd home_;
};

}  // namespace davit::resolver
