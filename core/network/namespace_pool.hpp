// NamespacePool: network namespaces that are made ahead, because making one is a tenth of a container's start. They have no names
// and no interfaces; nothing is left of them when the daemon is killed. Threads: any.
#pragma once

#include <cstddef>
#include <vector>

#include "base/thread_annotations.hpp"
#include "base/unique_fd.hpp"

namespace davit::network {

class NamespacePool {
  public:
    explicit NamespacePool(std::size_t size) : size_(size) {}

    /// One of the pool's, else a new one. Throws Error{system}.
    [[nodiscard]] UniqueFd take() DAVIT_EXCLUDES(mutex_);
    /// Makes what is missing. Throws Error{system}.
    void refill() DAVIT_EXCLUDES(mutex_);

  private:
    [[nodiscard]] bool full() const DAVIT_EXCLUDES(mutex_);

    const std::size_t size_;
    mutable Mutex mutex_;
    std::vector<UniqueFd> ready_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::network
