// The filter "until" of the prune calls.
#pragma once

#include <optional>
#include <string_view>

#include "base/clock.hpp"
#include "engine/filters.hpp"

namespace davit::engine {

/// A moment as Docker's clients write it: seconds since 1970 with or without fraction, RFC 3339, or a duration ("24h",
/// "1h30m") before `at`. std::nullopt for anything else.
[[nodiscard]] std::optional<SystemTime> parseMoment(std::string_view text, SystemTime at);

/// The filter's moment; absent without one. Throws Error{invalid} for several and for what is no moment.
[[nodiscard]] std::optional<SystemTime> untilFilter(const Filters& filters);

}  // namespace davit::engine
