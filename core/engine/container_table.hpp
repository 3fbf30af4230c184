// ContainerTable: who is there, by id, name and id prefix. Names are reserved before a container exists. Threads: any; no call
// waits for an operation of a container.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/entry.hpp"

namespace davit::engine {

class ContainerTable {
  public:
    /// Throws Error{not_found} "No such container: x", Error{invalid} for a prefix of several.
    [[nodiscard]] EntryPtr resolve(std::string_view ref) const DAVIT_EXCLUDES(mutex_);
    /// By full id; null when unknown.
    [[nodiscard]] EntryPtr find(std::string_view id) const DAVIT_EXCLUDES(mutex_);
    [[nodiscard]] std::vector<EntryPtr> all() const DAVIT_EXCLUDES(mutex_);

    /// Throws Error{conflict} with Docker's text when the name is taken.
    void reserveName(const std::string& name, const std::string& id) DAVIT_EXCLUDES(mutex_);
    /// False instead of a throw.
    [[nodiscard]] bool tryReserveName(const std::string& name, const std::string& id) DAVIT_EXCLUDES(mutex_);
    void releaseName(const std::string& name, const std::string& id) DAVIT_EXCLUDES(mutex_);

    void add(EntryPtr entry) DAVIT_EXCLUDES(mutex_);
    /// Forgets the container and its name.
    void remove(const std::string& id) DAVIT_EXCLUDES(mutex_);

  private:
    mutable Mutex mutex_;
    std::map<std::string, EntryPtr, std::less<>> by_id_ DAVIT_GUARDED_BY(mutex_);
    std::map<std::string, std::string, std::less<>> id_of_name_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::engine
