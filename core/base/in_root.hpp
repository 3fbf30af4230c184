// Opening paths of a foreign tree (a container's root, a layer) as if that tree were "/": links, absolute ones and ".."
// too, end inside it. By openat2(2), so no race with whoever changes the tree meanwhile leads outside.
#pragma once

#include <string_view>

#include "base/unique_fd.hpp"

namespace davit {

/// Opens `path` with O_CLOEXEC. An empty result leaves errno set. Beyond PATH_MAX the later part may not hold links.
[[nodiscard]] UniqueFd tryOpenInRoot(int root_fd, std::string_view path, int flags, unsigned mode = 0);
/// The same, throwing Error::system naming the path.
[[nodiscard]] UniqueFd openInRoot(int root_fd, std::string_view path, int flags, unsigned mode = 0);

}  // namespace davit
