#include "cli/units.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>

#include "base/check.hpp"

namespace davit::cli {
namespace {

std::string customSize(double size, double base, int digits, const std::array<const char*, 9>& units) {
    std::size_t unit = 0;
    while (size >= base && unit + 1 < units.size()) {
        size /= base;
        ++unit;
    }
    return fmt::format("{:.{}g}{}", size, digits, units[unit]);
}

std::string_view spanOf(std::string_view text, std::string_view set) {
    const std::size_t end = text.find_first_not_of(set);
    return text.substr(0, end == std::string_view::npos ? text.size() : end);
}

double toDouble(std::string_view text) {
    double value = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    return code == std::errc() && end == text.data() + text.size() ? value : std::nan("");
}

// The factor of a suffix like "k", "KB", "KiB", "b" or "". 0: no such suffix.
double binaryFactor(std::string suffix) {
    for (char& c : suffix) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    if (suffix.empty() || suffix == "b") return 1;
    const std::size_t power = std::string_view("bkmgtp").find(suffix[0]);
    if (power == std::string_view::npos || power == 0) return 0;
    const std::string rest = suffix.substr(1);
    if (!rest.empty() && rest != "b" && rest != "ib") return 0;
    return std::pow(1024.0, static_cast<double>(power));
}

}  // namespace

std::string humanDuration(std::chrono::nanoseconds age) {
    const std::int64_t seconds = age.count() / 1'000'000'000;
    if (seconds < 1) return "Less than a second";
    if (seconds == 1) return "1 second";
    if (seconds < 60) return fmt::format("{} seconds", seconds);
    const std::int64_t minutes = seconds / 60;
    if (minutes == 1) return "About a minute";
    if (minutes < 60) return fmt::format("{} minutes", minutes);
    const std::int64_t hours = (seconds + 1800) / 3600;
    if (hours == 1) return "About an hour";
    if (hours < 48) return fmt::format("{} hours", hours);
    if (hours < 24 * 14) return fmt::format("{} days", hours / 24);
    if (hours < 24 * 60) return fmt::format("{} weeks", hours / 24 / 7);
    if (hours < 24 * 365 * 2) return fmt::format("{} months", hours / 24 / 30);
    return fmt::format("{} years", seconds / 3600 / 24 / 365);
}

std::string humanSize(double bytes, int digits) {
    return customSize(bytes, 1000, digits, {"B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"});
}

std::string binarySize(double bytes) {
    return customSize(bytes, 1024, 4, {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"});
}

std::int64_t parseBytes(std::string_view text) {
    if (text == "-1") return -1;
    const std::string_view number = spanOf(text, "0123456789.");
    std::string_view suffix = text.substr(number.size());
    if (!suffix.empty() && suffix[0] == ' ') suffix.remove_prefix(1);
    const double value = toDouble(number);
    if (number.empty() || std::isnan(value)) throw error(Code::invalid, "invalid size: '{}'", text);
    const double factor = binaryFactor(std::string(suffix));
    if (factor == 0) throw error(Code::invalid, "invalid suffix: '{}'", suffix);
    return static_cast<std::int64_t>(value * factor);
}

std::chrono::nanoseconds parseDuration(std::string_view text) {
    const auto invalid = [&] { return error(Code::invalid, "time: invalid duration \"{}\"", text); };
    std::string_view rest = text;
    const bool negative = rest.starts_with('-');
    if (negative || rest.starts_with('+')) rest.remove_prefix(1);
    if (rest == "0") return std::chrono::nanoseconds(0);
    if (rest.empty()) throw invalid();
    double total = 0;
    while (!rest.empty()) {
        const std::string_view number = spanOf(rest, "0123456789.");
        rest.remove_prefix(number.size());
        const std::string_view unit = rest.substr(0, rest.find_first_of("0123456789."));
        rest.remove_prefix(unit.size());
        const double value = toDouble(number);
        if (number.empty() || std::isnan(value)) throw invalid();
        if (unit.empty()) throw error(Code::invalid, "time: missing unit in duration \"{}\"", text);
        constexpr std::pair<std::string_view, double> kUnits[] = {{"ns", 1},  {"us", 1e3}, {"µs", 1e3},  {"ms", 1e6},
                                                                  {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};
        double factor = 0;
        for (const auto& [name, length] : kUnits)
            if (unit == name) factor = length;
        if (factor == 0) throw error(Code::invalid, "time: unknown unit \"{}\" in duration \"{}\"", unit, text);
        total += value * factor;
    }
    return std::chrono::nanoseconds(std::llround(negative ? -total : total));
}

std::string formatDuration(std::chrono::nanoseconds duration) {
    std::int64_t ns = duration.count();
    if (ns == 0) return "0s";
    std::string out = ns < 0 ? "-" : "";
    if (ns < 0) ns = -ns;
    if (ns < 1'000) return out + fmt::format("{}ns", ns);
    if (ns < 1'000'000) return out + fmt::format("{}µs", static_cast<double>(ns) / 1e3);
    if (ns < 1'000'000'000) return out + fmt::format("{}ms", static_cast<double>(ns) / 1e6);
    const std::int64_t minutes = ns / 60'000'000'000;
    if (minutes >= 60) out += fmt::format("{}h", minutes / 60);
    if (minutes > 0) out += fmt::format("{}m", minutes % 60);
    return out + fmt::format("{}s", static_cast<double>(ns % 60'000'000'000) / 1e9);
}

std::int64_t parseInteger(std::string_view text) {
    std::int64_t value = 0;
    const std::string_view digits = text.starts_with('+') ? text.substr(1) : text;
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (code == std::errc::result_out_of_range)
        throw error(Code::invalid, "strconv.ParseInt: parsing \"{}\": value out of range", text);
    if (code != std::errc() || end != digits.data() + digits.size())
        throw error(Code::invalid, "strconv.ParseInt: parsing \"{}\": invalid syntax", text);
    return value;
}

std::uint64_t parseUnsigned(std::string_view text, unsigned bits) {
    std::uint64_t value = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code == std::errc::result_out_of_range || (code == std::errc() && bits < 64 && value >> bits != 0))
        throw error(Code::invalid, "strconv.ParseUint: parsing \"{}\": value out of range", text);
    if (code != std::errc() || end != text.data() + text.size())
        throw error(Code::invalid, "strconv.ParseUint: parsing \"{}\": invalid syntax", text);
    return value;
}

bool parseBool(std::string_view text) {
    for (const char* yes : {"1", "t", "T", "true", "TRUE", "True"})
        if (text == yes) return true;
    for (const char* no : {"0", "f", "F", "false", "FALSE", "False"})
        if (text == no) return false;
    throw error(Code::invalid, "strconv.ParseBool: parsing \"{}\": invalid syntax", text);
}

std::int64_t parseScaledDecimal(std::string_view text, std::int64_t scale) {
    const std::string_view whole = text.substr(0, text.find('.'));
    const std::string_view fraction = whole.size() < text.size() ? text.substr(whole.size() + 1) : std::string_view();
    const auto digits = [](std::string_view part) { return spanOf(part, "0123456789").size() == part.size(); };
    if (text.empty() || text == "." || whole.size() > 9 || !digits(whole) || !digits(fraction))
        throw error(Code::invalid, "failed to parse {} as a rational number", text);
    std::int64_t value = whole.empty() ? 0 : parseInteger(whole) * scale;
    std::int64_t unit = scale;
    for (const char digit : fraction) {
        if (unit % 10 != 0 && digit != '0') throw error(Code::invalid, "value is too precise");
        unit /= 10;
        value += unit * (digit - '0');
    }
    return value;
}

std::string goTimeText(std::chrono::nanoseconds since_epoch) {
    const std::time_t seconds = since_epoch.count() / 1'000'000'000;
    std::tm local{};
    ::localtime_r(&seconds, &local);
    char text[80];
    const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %z %Z", &local);
    return {text, size};
}

}  // namespace davit::cli
