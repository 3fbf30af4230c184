#include "engine/time_filter.hpp"

#include <charconv>
#include <cstdlib>
#include <string>

#include "base/check.hpp"

namespace davit::engine {
namespace {

using std::chrono::nanoseconds;

constexpr std::pair<std::string_view, std::int64_t> kUnits[] = {
    {"ns", 1}, {"us", 1'000}, {"ms", 1'000'000}, {"s", 1'000'000'000}, {"m", 60'000'000'000}, {"h", 3'600'000'000'000}};

/// Go's time.ParseDuration for what is before now.
std::optional<nanoseconds> parseDuration(std::string_view text) {
    double total = 0;
    if (text.empty()) return std::nullopt;
    while (!text.empty()) {
        const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
        if (digits == 0) return std::nullopt;
        const double count = std::strtod(std::string(text.substr(0, digits)).c_str(), nullptr);
        text.remove_prefix(digits);
        const std::size_t length = std::min(text.find_first_of("0123456789."), text.size());
        bool known = false;
        for (const auto& [unit, size] : kUnits) {
            if (text.substr(0, length) != unit) continue;
            total += count * static_cast<double>(size);
            known = true;
        }
        if (!known) return std::nullopt;
        text.remove_prefix(length);
    }
    return nanoseconds(static_cast<std::int64_t>(total));
}

}  // namespace

std::optional<SystemTime> parseMoment(std::string_view text, SystemTime at) {
    const auto from_epoch = [](nanoseconds since) { return SystemTime(std::chrono::duration_cast<SystemTime::duration>(since)); };
    if (!text.empty() && text.find_first_not_of("0123456789.") == std::string_view::npos)
        return from_epoch(nanoseconds(static_cast<std::int64_t>(std::strtod(std::string(text).c_str(), nullptr) * 1e9)));
    if (const auto duration = parseDuration(text)) return at - std::chrono::duration_cast<SystemTime::duration>(*duration);
    return parseRfc3339(text);
}

std::optional<SystemTime> untilFilter(const Filters& filters) {
    const std::vector<std::string>& given = filters.values("until");
    if (given.empty()) return std::nullopt;
    if (given.size() > 1) throw Error(Code::invalid, "more than one until filter specified");
    const std::optional<SystemTime> moment = parseMoment(given[0], now());
    if (!moment) throw error(Code::invalid, "invalid filter 'until={}'", given[0]);
    return moment;
}

}  // namespace davit::engine
