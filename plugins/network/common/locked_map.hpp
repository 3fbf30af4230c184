// LockedMap: values by id behind a lock of their own. What it hands out are copies, so nobody works under the lock.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/thread_annotations.hpp"

namespace davit {

/// Any thread.
template <class Value>
class LockedMap {
  public:
    [[nodiscard]] std::optional<Value> find(const std::string& id) const DAVIT_EXCLUDES(mutex_) {
        const Lock lock(mutex_);
        const auto found = values_.find(id);
        return found == values_.end() ? std::nullopt : std::optional(found->second);
    }
    /// By id.
    [[nodiscard]] std::vector<Value> all() const DAVIT_EXCLUDES(mutex_) {
        const Lock lock(mutex_);
        std::vector<Value> values;
        for (const auto& [id, value] : values_) values.push_back(value);
        return values;
    }
    /// Takes the place of what has that id.
    void put(const std::string& id, Value value) DAVIT_EXCLUDES(mutex_) {
        const Lock lock(mutex_);
        values_.insert_or_assign(id, std::move(value));
    }
    void erase(const std::string& id) DAVIT_EXCLUDES(mutex_) {
        const Lock lock(mutex_);
        values_.erase(id);
    }

  private:
    mutable Mutex mutex_;
    std::map<std::string, Value> values_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit
