// The daemon's log: one logfmt record per line on standard error, as dockerd writes it. Library code doesn't log; the
// engine, the API and main() do.
#pragma once

#include <fmt/core.h>

#include <string_view>

namespace davit::log {

enum class Level { debug, info, warning, error };

/// Records below this level are dropped. Any thread; default info.
void setLevel(Level level);
[[nodiscard]] bool enabled(Level level);

/// Writes one record with one write(2): time, level, msg. Control characters and invalid UTF-8 in `message` are escaped,
/// so that a record is always one line of valid UTF-8 (SEC-65). Any thread; never throws.
void write(Level level, std::string_view message) noexcept;

template <typename... Args>
void debug(fmt::format_string<Args...> text, Args&&... args) {
    if (enabled(Level::debug)) write(Level::debug, fmt::format(text, std::forward<Args>(args)...));
}
template <typename... Args>
void info(fmt::format_string<Args...> text, Args&&... args) {
    if (enabled(Level::info)) write(Level::info, fmt::format(text, std::forward<Args>(args)...));
}
template <typename... Args>
void warning(fmt::format_string<Args...> text, Args&&... args) {
    if (enabled(Level::warning)) write(Level::warning, fmt::format(text, std::forward<Args>(args)...));
}
template <typename... Args>
void error(fmt::format_string<Args...> text, Args&&... args) {
    write(Level::error, fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace davit::log
