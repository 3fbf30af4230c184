#include "image/image_filters.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/check.hpp"
#include "image/config_changes.hpp"

namespace davit::image {
namespace {

std::optional<std::chrono::nanoseconds> parseDuration(std::string_view text) {
    try {
        return std::chrono::nanoseconds(parseDurationNs(std::string(text)));
    } catch (const Error&) {  // then it is a point in time
        return std::nullopt;
    }
}

std::optional<SystemTime> parseSeconds(std::string_view text) {
    const std::size_t dot = text.find('.');
    std::int64_t seconds = 0;
    const std::string_view whole = text.substr(0, dot);
    const auto [end, failure] = std::from_chars(whole.data(), whole.data() + whole.size(), seconds);
    if (failure != std::errc() || end != whole.data() + whole.size()) return std::nullopt;
    if (seconds > 9'000'000'000 || seconds < -9'000'000'000) return std::nullopt;
    return SystemTime(std::chrono::seconds(seconds));
}

/// "2024-01-02" and "2024-01-02T15:04:05", taken as UTC.
std::optional<SystemTime> parseShort(std::string_view text) {
    if (text.size() == 10) return parseRfc3339(std::string(text) + "T00:00:00Z");
    return parseRfc3339(std::string(text) + "Z");
}

}  // namespace

SystemTime parseUntil(std::string_view text) {
    if (const auto ago = parseDuration(text)) return now() - *ago;
    if (const auto time = parseSeconds(text)) return *time;
    if (const auto time = parseRfc3339(text)) return *time;
    if (const auto time = parseShort(text)) return *time;
    throw error(Code::invalid, "invalid filter 'until={}'", text);
}

void checkFilterNames(const ImageFilters& filters, const std::vector<std::string_view>& known) {
    for (const auto& [name, values] : filters)
        if (std::find(known.begin(), known.end(), name) == known.end())
            throw error(Code::invalid, "invalid filter '{}'", name);
}

const std::vector<std::string>& filterValues(const ImageFilters& filters, const std::string& name) {
    static const std::vector<std::string> none;
    const auto found = filters.find(name);
    return found == filters.end() ? none : found->second;
}

std::optional<bool> boolFilter(const ImageFilters& filters, const std::string& name) {
    const auto& values = filterValues(filters, name);
    if (values.empty()) return std::nullopt;
    const auto all = [&](std::initializer_list<std::string_view> texts) {
        return std::all_of(values.begin(), values.end(), [&](const std::string& v) {
            return std::find(texts.begin(), texts.end(), v) != texts.end();
        });
    };
    if (all({"1", "true"})) return true;
    if (all({"0", "false"})) return false;
    throw error(Code::invalid, "invalid filter '{}=[{}]'", name, fmt::join(values, " "));
}

bool labelsMatch(const std::vector<std::string>& wanted, const std::map<std::string, std::string>& labels) {
    return std::all_of(wanted.begin(), wanted.end(), [&](const std::string& text) {
        const std::size_t equal = text.find('=');
        const auto found = labels.find(text.substr(0, equal));
        return found != labels.end() && (equal == std::string::npos || found->second == text.substr(equal + 1));
    });
}

}  // namespace davit::image
