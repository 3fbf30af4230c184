// Time: the wall clock as Docker prints it, and durations on the monotonic clock.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace davit {

using SystemTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;
using SteadyTime = std::chrono::steady_clock::time_point;

[[nodiscard]] SystemTime now();

/// Go's zero time, which Docker's JSON uses for "never".
inline constexpr std::string_view kZeroTime = "0001-01-01T00:00:00Z";

/// RFC 3339 in UTC with up to nine fractional digits, trailing zeros cut: Go's time.RFC3339Nano.
[[nodiscard]] std::string formatRfc3339(SystemTime time);

/// Parses RFC 3339 with any offset. std::nullopt when the text is no time; Go's zero time parses as std::nullopt too.
[[nodiscard]] std::optional<SystemTime> parseRfc3339(std::string_view text);

}  // namespace davit
