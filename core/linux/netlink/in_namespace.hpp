// Work in another network namespace.
#pragma once

#include <functional>

namespace davit::linux {

/// Runs `work` on a thread of its own that is in the network namespace of the descriptor, and returns when it has ended.
/// What it throws is thrown here. The calling thread's namespaces are never changed.
void inNetworkNamespace(int namespace_fd, const std::function<void()>& work);

}  // namespace davit::linux
