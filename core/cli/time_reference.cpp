#include "cli/time_reference.hpp"

#include <fmt/format.h>

#include <ctime>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "cli/units.hpp"

namespace davit::cli {
namespace {

std::string secondsText(std::int64_t nanoseconds) {
    return fmt::format("{}.{:09}", nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000);
}

}  // namespace

std::string timeReference(const std::string& text, std::chrono::system_clock::time_point now) {
    if (text.empty() || text.find_first_not_of("0123456789.") == std::string::npos) return text;
    try {
        const auto moment = now - parseDuration(text);
        return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(moment.time_since_epoch()).count());
    } catch (const Error&) {  // no duration: a date then
    }
    if (const std::optional<SystemTime> moment = parseRfc3339(text))
        return secondsText(moment->time_since_epoch().count());
    for (const char* format : {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H", "%Y-%m-%d"}) {
        std::tm local{};
        local.tm_isdst = -1;
        const char* end = ::strptime(text.c_str(), format, &local);
        if (end == nullptr || (*end != '\0' && std::string(end) != "Z")) continue;
        const std::time_t seconds = *end == 'Z' ? ::timegm(&local) : ::mktime(&local);
        return secondsText(static_cast<std::int64_t>(seconds) * 1'000'000'000);
    }
    return text;
}

}  // namespace davit::cli
