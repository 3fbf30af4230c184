// MemberSet: whether members of one tar hide each other, in 16 bytes per member.
//
// A file whose content is only referenced must still stand at its path when the tar has been unpacked. It doesn't when
// the same path comes twice, when one of its parent directories is replaced by something else, or when a whiteout names
// it. Paths are compared by a 64-bit hash: a collision is a false alarm, never a miss.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::image {

class MemberSet {
  public:
    enum class Role : std::uint8_t { directory, file, other };

    /// Notes a member. Returns its path in plain form ("a/b") when it is a file that can be found there again;
    /// std::nullopt when it isn't, or its name is a whiteout's or has "..".
    std::optional<std::string> add(std::string_view path, Role role);

    /// Whether any members hide each other. Sorts; call it once.
    [[nodiscard]] bool hide();

  private:
    struct Entry {
        std::uint64_t hash;
        bool directory;
    };
    void addParents(std::string_view path);
    std::vector<Entry> entries_;
    std::string last_parent_;
};

}  // namespace davit::image
