// Percent-encoding and query strings.
#include <charconv>

#include "base/check.hpp"
#include "base/json.hpp"
#include "http/message.hpp"

namespace davit::http {
namespace {

int hexDigit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool unreserved(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

std::string decodeParameter(std::string_view text) {
    auto decoded = percentDecode(text, true);
    if (!decoded) throw error(Code::invalid, "invalid URL escape {}", json::quote(text));
    return std::move(*decoded);
}

}  // namespace

std::optional<std::string> percentDecode(std::string_view text, bool plus) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+' && plus) {
            out += ' ';
        } else if (text[i] != '%') {
            out += text[i];
        } else {
            const int high = i + 2 < text.size() ? hexDigit(text[i + 1]) : -1;
            const int low = i + 2 < text.size() ? hexDigit(text[i + 2]) : -1;
            if (high < 0 || low < 0) return std::nullopt;
            out += static_cast<char>(high * 16 + low);
            i += 2;
        }
    }
    return out;
}

std::string percentEncode(std::string_view text, std::string_view keep) {
    constexpr char kDigits[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        if (unreserved(c) || keep.find(c) != std::string_view::npos) {
            out += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
    return out;
}

Query Query::parse(std::string_view text) {
    Query query;
    while (!text.empty()) {
        const auto end = text.find('&');
        const std::string_view item = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
        if (item.empty()) continue;
        const auto equals = item.find('=');
        const auto content = equals == std::string_view::npos ? std::string_view() : item.substr(equals + 1);
        query.add(decodeParameter(item.substr(0, equals)), decodeParameter(content));
    }
    return query;
}

bool Query::has(std::string_view name) const {
    for (const auto& item : items_)
        if (item.first == name) return true;
    return false;
}

std::string Query::get(std::string_view name) const {
    for (const auto& item : items_)
        if (item.first == name) return item.second;
    return {};
}

std::vector<std::string> Query::all(std::string_view name) const {
    std::vector<std::string> values;
    for (const auto& item : items_)
        if (item.first == name) values.push_back(item.second);
    return values;
}

bool Query::flag(std::string_view name, bool fallback) const {
    if (!has(name)) return fallback;
    const std::string content = get(name);
    for (const std::string_view no : {"", "0", "no", "false", "none"})
        if (equalNames(content, no)) return false;
    return true;
}

std::optional<long long> Query::integer(std::string_view name) const {
    const std::string content = get(name);
    if (content.empty()) return std::nullopt;
    long long number = 0;
    const char* first = content.data() + (content[0] == '+' ? 1 : 0);
    const auto [end, failure] = std::from_chars(first, content.data() + content.size(), number);
    if (failure == std::errc::result_out_of_range)
        throw error(Code::invalid, "strconv.ParseInt: parsing {}: value out of range", json::quote(content));
    if (failure != std::errc() || end != content.data() + content.size())
        throw error(Code::invalid, "strconv.ParseInt: parsing {}: invalid syntax", json::quote(content));
    return number;
}

std::string Query::text() const {
    std::string out;
    for (const auto& [name, content] : items_) {
        if (!out.empty()) out += '&';
        out += percentEncode(name) + '=' + percentEncode(content);
    }
    return out;
}

}  // namespace davit::http
