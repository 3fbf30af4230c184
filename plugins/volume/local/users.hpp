// Users: who has a volume mounted, by the ids of their mount requests: a file for each in the volume's directory, in a folder with
// the id of the machine's boot, because no mount outlives that. So nothing needs to be synced, and nothing can be torn.
//
// One thread at a time: who has the volume's lock.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace davit::local {

class Users {
  public:
    /// Those of this boot.
    explicit Users(const std::filesystem::path& volume_dir);

    [[nodiscard]] bool empty() const;
    [[nodiscard]] bool has(const std::string& id) const;
    /// Throws Error{invalid} for an id of an absurd length.
    void add(const std::string& id);
    void remove(const std::string& id);

    /// Whether a name in a volume's directory is that of an earlier boot's users.
    [[nodiscard]] static bool areForgotten(std::string_view name);

  private:
    std::filesystem::path directory_;
};

}  // namespace davit::local
