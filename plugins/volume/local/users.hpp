// Users: who has a volume mounted, by the ids of the mounts. Kept on disk with the id of the boot: a restart of the daemon knows them,
// and a restart of the machine has ended them.
//
// Volumes that are mere directories are mounted by nobody; their users are remembered in memory only, so that a removal can refuse.
// Any thread; the caller holds the volume.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "base/thread_annotations.hpp"

namespace davit::local {

class Users {
  public:
    /// Of the volume in that directory.
    [[nodiscard]] static std::set<std::string> read(const std::filesystem::path& volume);
    static void write(const std::filesystem::path& volume, const std::set<std::string>& users);

    void add(const std::string& name, const std::string& id) DAVIT_EXCLUDES(mutex_);
    void drop(const std::string& name, const std::string& id) DAVIT_EXCLUDES(mutex_);
    void forget(const std::string& name) DAVIT_EXCLUDES(mutex_);
    [[nodiscard]] bool any(const std::string& name) const DAVIT_EXCLUDES(mutex_);

  private:
    mutable Mutex mutex_;
    std::map<std::string, std::set<std::string>> users_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::local
