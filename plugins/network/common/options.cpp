#include "options.hpp"

#include <algorithm>
#include <charconv>

#include "base/check.hpp"
#include "base/json.hpp"

namespace davit {
namespace {

constexpr std::size_t kLongestLinkName = 15;
constexpr std::size_t kShortestId = 12;

bool alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

bool plainCharacter(char c) { return alphanumeric(c) || c == '-' || c == '_' || c == '.'; }

std::string plain(const json::Value& value) {
    if (value.isNull()) return {};
    return value.isString() ? value.string() : value.text();
}

}  // namespace

std::string plainOption(const JsonOptions& options, const std::string& name) {
    const auto found = options.find(name);
    return found == options.end() ? std::string() : plain(json::Document::parse(found->second).root());
}

Options userOptions(const JsonOptions& options) {
    Options result;
    const auto generic = options.find("com.docker.network.generic");
    if (generic == options.end()) return result;
    const json::Document document = json::Document::parse(generic->second);
    for (const auto [key, value] : document.root().object()) result[std::string(key)] = plain(value);
    return result;
}

bool readBool(const std::string& option, const std::string& value) {
    for (const char* yes : {"1", "t", "T", "true", "TRUE", "True"})
        if (value == yes) return true;
    for (const char* no : {"0", "f", "F", "false", "FALSE", "False"})
        if (value == no) return false;
    throw error(Code::invalid, "invalid value for {}: \"{}\" is neither true nor false", option, value);
}

unsigned readMtu(const std::string& option, const std::string& value) {
    unsigned number = 0;
    const auto [end, status] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (status != std::errc() || end != value.data() + value.size() || (number != 0 && (number < 68 || number > 65535)))
        throw error(Code::invalid, "invalid value for {}: \"{}\" is no MTU", option, value);
    return number;
}

std::string readLinkName(const std::string& option, const std::string& value) {
    const bool dots = value == "." || value == "..";
    if (value.empty() || value.size() > kLongestLinkName || dots || !std::all_of(value.begin(), value.end(), plainCharacter))
        throw error(Code::invalid, "invalid value for {}: \"{}\" is no name of a link", option, value);
    return value;
}

bool boolOption(const JsonOptions& options, const std::string& name, bool fallback) {
    const std::string value = plainOption(options, name);
    return value.empty() ? fallback : readBool(name, value);
}

bool plainId(const std::string& id) { return id.size() >= kShortestId && std::all_of(id.begin(), id.end(), alphanumeric); }

}  // namespace davit
