#include "base/clock.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <ctime>

namespace davit {
namespace {

bool takeNumber(std::string_view& text, std::size_t digits, int& out) {
    if (text.size() < digits) return false;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + digits, out);
    if (failed != std::errc{} || end != text.data() + digits) return false;
    text.remove_prefix(digits);
    return true;
}

bool takeChar(std::string_view& text, char wanted) {
    if (text.empty() || (text.front() | 0x20) != (wanted | 0x20)) return false;
    text.remove_prefix(1);
    return true;
}

std::int64_t takeFraction(std::string_view& text) {
    std::int64_t nanoseconds = 0;
    std::int64_t unit = 100'000'000;
    while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
        nanoseconds += unit * (text.front() - '0');
        unit /= 10;
        text.remove_prefix(1);
    }
    return nanoseconds;
}

std::optional<int> takeOffsetSeconds(std::string_view& text) {
    if (takeChar(text, 'z')) return 0;
    if (text.empty() || (text.front() != '+' && text.front() != '-')) return std::nullopt;
    const int sign = text.front() == '+' ? 1 : -1;
    text.remove_prefix(1);
    int hours = 0;
    int minutes = 0;
    if (!takeNumber(text, 2, hours) || !takeChar(text, ':') || !takeNumber(text, 2, minutes)) return std::nullopt;
    return sign * (hours * 3600 + minutes * 60);
}

}  // namespace

SystemTime now() { return std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now()); }

std::string formatRfc3339(SystemTime time) {
    const auto since_epoch = time.time_since_epoch();
    const auto whole = std::chrono::floor<std::chrono::seconds>(since_epoch);
    const auto nanoseconds = (since_epoch - whole).count();
    const std::time_t seconds = whole.count();
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    std::string text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", parts.tm_year + 1900, parts.tm_mon + 1,
                                   parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
    if (nanoseconds != 0) {
        text += fmt::format(".{:09}", nanoseconds);
        text.erase(text.find_last_not_of('0') + 1);
    }
    return text + 'Z';
}

std::optional<SystemTime> parseRfc3339(std::string_view text) {
    std::tm parts{};
    if (!takeNumber(text, 4, parts.tm_year) || !takeChar(text, '-') || !takeNumber(text, 2, parts.tm_mon) ||
        !takeChar(text, '-') || !takeNumber(text, 2, parts.tm_mday) || !takeChar(text, 't') ||
        !takeNumber(text, 2, parts.tm_hour) || !takeChar(text, ':') || !takeNumber(text, 2, parts.tm_min) ||
        !takeChar(text, ':') || !takeNumber(text, 2, parts.tm_sec))
        return std::nullopt;
    const std::int64_t fraction = takeChar(text, '.') ? takeFraction(text) : 0;
    const auto offset = takeOffsetSeconds(text);
    const bool in_range = parts.tm_year > 1 && parts.tm_mon >= 1 && parts.tm_mon <= 12 && parts.tm_mday >= 1 &&
                          parts.tm_mday <= 31 && parts.tm_hour < 24 && parts.tm_min < 60 && parts.tm_sec <= 60;
    if (!offset || !text.empty() || !in_range) return std::nullopt;
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    const std::int64_t seconds = ::timegm(&parts) - *offset;
    return SystemTime{std::chrono::seconds{seconds} + std::chrono::nanoseconds{fraction}};
}

}  // namespace davit
