#include "api/views/common.hpp"

#include <fmt/format.h>

namespace davit::api {

std::string timeText(const std::optional<SystemTime>& time) {
    return time ? formatRfc3339(*time) : std::string(kZeroTime);
}

std::int64_t unixSeconds(SystemTime time) {
    return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
}

std::string humanDuration(std::chrono::seconds duration) {
    const auto seconds = duration.count();
    if (seconds < 1) return "Less than a second";
    if (seconds == 1) return "1 second";
    if (seconds < 60) return fmt::format("{} seconds", seconds);
    const auto minutes = seconds / 60;
    if (minutes == 1) return "About a minute";
    if (minutes < 60) return fmt::format("{} minutes", minutes);
    const auto hours = (seconds + 1800) / 3600;
    if (hours == 1) return "About an hour";
    if (hours < 48) return fmt::format("{} hours", hours);
    if (hours < 24 * 7 * 2) return fmt::format("{} days", hours / 24);
    if (hours < 24 * 30 * 2) return fmt::format("{} weeks", hours / 24 / 7);
    if (hours < 24 * 365 * 2) return fmt::format("{} months", hours / 24 / 30);
    return fmt::format("{} years", hours / 24 / 365);
}

void writeStringsOrNull(json::Writer& out, std::string_view name, const std::vector<std::string>& texts) {
    out.key(name);
    if (texts.empty())
        out.null();
    else
        out.value(texts);
}

}  // namespace davit::api
