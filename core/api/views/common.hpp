// Pieces that several views share: times, durations, small JSON forms.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/json.hpp"

namespace davit::api {

/// RFC 3339, or Go's zero time.
[[nodiscard]] std::string timeText(const std::optional<SystemTime>& time);
/// Seconds since 1970.
[[nodiscard]] std::int64_t unixSeconds(SystemTime time);
/// "5 seconds", "About a minute", "3 weeks": Docker's units.HumanDuration.
[[nodiscard]] std::string humanDuration(std::chrono::seconds duration);
/// An array of strings, or null when empty: Go's nil slice.
void writeStringsOrNull(json::Writer& out, std::string_view name, const std::vector<std::string>& texts);

}  // namespace davit::api
