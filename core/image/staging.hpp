// Staging: the members of an image archive, set down in files with names of our own until the manifest, which may come
// last, says what they are. What an archive calls its members never becomes a path (SEC-35).
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/byte_stream.hpp"
#include "base/file.hpp"

namespace davit::image {

class Staging {
  public:
    /// Reads `archive` (plain or compressed) to its end. Throws Error{invalid} for what is no tar or has too many
    /// members.
    Staging(ByteSource& archive, const std::filesystem::path& temporary_directory);

    [[nodiscard]] bool has(std::string_view name) const;
    /// The file that holds a member, links within the archive followed. Throws Error{invalid} `"x" is not in the
    /// archive`.
    [[nodiscard]] std::filesystem::path file(std::string_view name) const;
    /// A whole small member. Throws Error{invalid} when it is longer than `limit`.
    [[nodiscard]] std::string text(std::string_view name, std::size_t limit) const;

  private:
    struct Member {
        std::filesystem::path file;
        std::string link;  ///< not empty: what it is a link to, as a name
    };
    TempDir directory_;
    std::map<std::string, Member, std::less<>> members_;
};

/// "a/./b//../c" -> "a/c"; leading slashes are dropped. Empty for what leads outside.
[[nodiscard]] std::string cleanMemberName(std::string_view name);

}  // namespace davit::image
