// Sizes and durations as Docker's command line reads and prints them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace davit::cli {

/// "About a minute", "3 weeks": the rough age of something.
[[nodiscard]] std::string humanDuration(std::chrono::nanoseconds age);

/// Powers of 1000, "1.24MB"; `digits` significant ones (images: 3, elsewhere 4).
[[nodiscard]] std::string humanSize(double bytes, int digits = 4);
/// Powers of 1024 with four digits, "15.6GiB".
[[nodiscard]] std::string binarySize(double bytes);

/// "64m", "1.5GiB", "512": a count of bytes, powers of 1024. Throws Error{invalid} "invalid size: 'x'".
[[nodiscard]] std::int64_t parseBytes(std::string_view text);

/// Go's duration syntax, "1h2m3.5s". Throws Error{invalid} with Go's text.
[[nodiscard]] std::chrono::nanoseconds parseDuration(std::string_view text);
/// Go's way back: "1m30s".
[[nodiscard]] std::string formatDuration(std::chrono::nanoseconds duration);

/// Go's strconv.ParseInt, ParseUint and ParseBool with their error texts.
[[nodiscard]] std::int64_t parseInteger(std::string_view text);
[[nodiscard]] std::uint64_t parseUnsigned(std::string_view text, unsigned bits = 64);
[[nodiscard]] bool parseBool(std::string_view text);

/// Decimal "1.5" times `scale`, exactly; Throws Error{invalid} when it isn't a number or the result no integer.
[[nodiscard]] std::int64_t parseScaledDecimal(std::string_view text, std::int64_t scale);

/// `time` seconds or nanoseconds of the epoch as Docker's lists print it: "2024-05-01 12:00:00 +0000 UTC" in local
/// time.
[[nodiscard]] std::string goTimeText(std::chrono::nanoseconds since_epoch);

}  // namespace davit::cli
