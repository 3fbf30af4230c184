// Numbers, moments and filters in query parameters.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "http/message.hpp"

namespace davit::api {

/// std::nullopt when absent or empty. Throws Error{invalid} for what is no int.
[[nodiscard]] std::optional<int> readInt(const http::Query& query, std::string_view name);

struct TerminalSize {
    unsigned height = 0;
    unsigned width = 0;
};
/// h and w. Throws Error{invalid} when one is missing or no number.
[[nodiscard]] TerminalSize readTerminalSize(const http::Query& query);

/// "1700000000", "1700000000.123456789" or RFC 3339; std::nullopt for "" and "0". Throws Error{invalid} for anything
/// else.
[[nodiscard]] std::optional<SystemTime> readMoment(const http::Query& query, std::string_view name);

/// The `filters` parameter as names and values, in both of Docker's spellings. Throws Error{invalid}.
[[nodiscard]] std::map<std::string, std::vector<std::string>> readFilters(const http::Query& query);

}  // namespace davit::api
