#include "network/namespace_pool.hpp"

#include "network/net_namespace.hpp"

namespace davit::network {

UniqueFd NamespacePool::take() {
    {
        const Lock lock(mutex_);
        if (!ready_.empty()) {
            UniqueFd taken = std::move(ready_.back());
            ready_.pop_back();
            return taken;
        }
    }
    return newNamespace();
}

void NamespacePool::refill() {
    while (!full()) {
        UniqueFd made = newNamespace();
        const Lock lock(mutex_);
        ready_.push_back(std::move(made));
    }
}

bool NamespacePool::full() const {
    const Lock lock(mutex_);
    return ready_.size() >= size_;
}

}  // namespace davit::network
