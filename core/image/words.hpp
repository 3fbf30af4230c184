// Splitting a Dockerfile line's arguments.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace davit::image {

/// Words apart by white space; quotes and backslashes join, and are removed. Throws Error{invalid} for an open quote.
[[nodiscard]] std::vector<std::string> splitWords(std::string_view text);

/// "k=v k2='v 2'", or "k rest of the line" when the first word has no "=". Throws Error{invalid} naming `instruction`.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> splitPairs(std::string_view instruction,
                                                                          std::string_view text);

/// A JSON array of strings, or std::nullopt when the text is not one.
[[nodiscard]] std::optional<std::vector<std::string>> jsonWords(std::string_view text);

/// Without white space at both ends.
[[nodiscard]] std::string_view trimmed(std::string_view text);

}  // namespace davit::image
