#include "base/log.hpp"

#include <unistd.h>

#include <atomic>
#include <string>

#include "base/clock.hpp"
#include "base/json.hpp"

namespace davit::log {
namespace {

std::atomic<Level> minimum{Level::info};

constexpr std::string_view levelName(Level level) {
    switch (level) {
        case Level::debug: return "debug";
        case Level::info: return "info";
        case Level::warning: return "warning";
        case Level::error: return "error";
    }
    return "error";
}

}  // namespace

void setLevel(Level level) { minimum = level; }
bool enabled(Level level) { return level >= minimum; }

void write(Level level, std::string_view message) noexcept {
    try {
        // A JSON string is a Go-quoted string too: one line, valid UTF-8, control characters escaped.
        const std::string line =
            fmt::format("time=\"{}\" level={} msg={}\n", formatRfc3339(now()), levelName(level), json::quote(message));
        (void)!::write(STDERR_FILENO, line.data(), line.size());  // nowhere to report a failing log
    } catch (...) {  // out of memory while logging: the record is lost
    }
}

}  // namespace davit::log
