// Work in another network namespace.
#pragma once

#include <functional>

namespace davit::linux {

/// Runs `work` in the network namespace of the descriptor and returns in the one that the caller was in. Only the calling
/// thread changes its namespace, and threads that `work` starts inherit it. (A thread of its own would cost a container's start
/// a tenth of a millisecond each time.) Throws Error{system} when the namespace can't be entered, else what `work` throws.
void inNetworkNamespace(int namespace_fd, const std::function<void()>& work);

}  // namespace davit::linux
