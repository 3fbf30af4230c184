#include "api/numbers.hpp"

#include <charconv>
#include <limits>

#include "base/check.hpp"
#include "base/json.hpp"

namespace davit::api {
namespace {

constexpr std::size_t kNanosecondDigits = 9;

bool readDigits(std::string_view text, std::int64_t& number) {
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    return failure == std::errc() && end == text.data() + text.size();
}

unsigned readSize(const http::Query& query, std::string_view name) {
    const std::string text = query.get(name);
    std::int64_t number = 0;
    if (!readDigits(text, number) || number < 0 || number > std::numeric_limits<std::uint16_t>::max())
        throw error(Code::invalid, "strconv.Atoi: parsing {}: invalid syntax", json::quote(text));
    return static_cast<unsigned>(number);
}

}  // namespace

std::optional<int> readInt(const http::Query& query, std::string_view name) {
    const auto number = query.integer(name);
    if (!number) return std::nullopt;
    if (*number < std::numeric_limits<int>::min() || *number > std::numeric_limits<int>::max())
        throw error(Code::invalid, "strconv.Atoi: parsing {}: value out of range", json::quote(query.get(name)));
    return static_cast<int>(*number);
}

TerminalSize readTerminalSize(const http::Query& query) { return {readSize(query, "h"), readSize(query, "w")}; }

std::optional<SystemTime> readMoment(const http::Query& query, std::string_view name) {
    const std::string text = query.get(name);
    if (text.empty() || text == "0") return std::nullopt;
    const auto dot = text.find('.');
    std::int64_t seconds = 0;
    std::int64_t nanoseconds = 0;
    std::string fraction = dot == std::string::npos ? "0" : text.substr(dot + 1);
    fraction.resize(kNanosecondDigits, '0');
    constexpr std::int64_t kLimit = std::numeric_limits<std::int64_t>::max() / 1'000'000'000;
    if (readDigits(std::string_view(text).substr(0, dot), seconds) && readDigits(fraction, nanoseconds) &&
        seconds > -kLimit && seconds < kLimit && nanoseconds >= 0)
        return SystemTime(std::chrono::seconds(seconds)) + std::chrono::nanoseconds(nanoseconds);
    if (const auto time = parseRfc3339(text)) return time;
    throw error(Code::invalid, "invalid value for {}: {} is no time", name, json::quote(text));
}

std::map<std::string, std::vector<std::string>> readFilters(const http::Query& query) {
    std::map<std::string, std::vector<std::string>> filters;
    const std::string text = query.get("filters");
    if (text.empty()) return filters;
    try {
        const json::Document document = json::Document::parse(text);
        for (const auto& [name, values] : document.root().object()) {
            std::vector<std::string>& list = filters[std::string(name)];
            if (values.isArray()) {
                list = values.strings();
                continue;
            }
            for (const auto& [value, on] : values.object())
                if (on.boolean()) list.emplace_back(value);
        }
    } catch (const Error& failure) {
        throw error(Code::invalid, "invalid filter: {}", failure.text());
    }
    return filters;
}

}  // namespace davit::api
