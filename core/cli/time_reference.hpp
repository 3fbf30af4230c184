// --since and --until: the moments that users write, as the API takes them.
#pragma once

#include <chrono>
#include <string>

namespace davit::cli {

/// "42m" (before `now`), "2013-01-02T13:23:37Z", "2013-01-02", seconds of the epoch with a fraction →
/// "sec.nanoseconds". What can't be read is handed through for the daemon to refuse.
[[nodiscard]] std::string timeReference(const std::string& text, std::chrono::system_clock::time_point now);

}  // namespace davit::cli
