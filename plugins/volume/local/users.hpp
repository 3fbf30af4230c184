// Users: who has a volume mounted, by the ids of their mount requests: users.json in its directory. It carries the id of the
// machine's boot, because no mount outlives that. So it needs no syncing either.
//
// One thread at a time: who has the volume's lock.
#pragma once

#include <filesystem>
#include <set>
#include <string>

namespace davit::local {

class Users {
  public:
    /// Those of this boot. A file that is damaged counts as none: it was being written when the machine stopped.
    explicit Users(const std::filesystem::path& volume_dir);

    [[nodiscard]] bool empty() const noexcept { return ids_.empty(); }
    [[nodiscard]] bool has(const std::string& id) const { return ids_.contains(id); }
    /// Both write the file before they return.
    void add(const std::string& id);
    void remove(const std::string& id);

  private:
    void save() const;
    std::filesystem::path file_;
    std::set<std::string> ids_;
};

}  // namespace davit::local
