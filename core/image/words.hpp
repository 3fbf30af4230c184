// Splitting a Dockerfile line's arguments, and the variables in them: $NAME, ${NAME}, ${NAME:-default} and ${NAME:+instead}.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace davit::image {

/// The value of a variable, or std::nullopt when it isn't set. An empty function: nothing is a variable.
using Variables = std::function<std::optional<std::string>(std::string_view name)>;

/// Words apart by white space; quotes and backslashes join, and are removed. Variables count except in single quotes; white space
/// in a value separates nothing. Throws Error{invalid} for an open quote or brace, and for a "${NAME:?" that isn't there.
[[nodiscard]] std::vector<std::string> splitWords(std::string_view text, const Variables& variables = {});

/// The same with white space being part of the one word that the text is.
[[nodiscard]] std::string expandWord(std::string_view text, const Variables& variables);

/// "k=v k2='v 2'", or "k rest of the line" when the first word has no "=". Throws Error{invalid} naming `instruction`.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> splitPairs(std::string_view instruction, std::string_view text,
                                                                          const Variables& variables = {});

/// A JSON array of strings, or std::nullopt when the text is not one.
[[nodiscard]] std::optional<std::vector<std::string>> jsonWords(std::string_view text);

/// Without white space at both ends.
[[nodiscard]] std::string_view trimmed(std::string_view text);

}  // namespace davit::image
