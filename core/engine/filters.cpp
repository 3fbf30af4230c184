#include "engine/filters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <regex>

#include "base/check.hpp"
#include "base/json.hpp"

namespace davit::engine {
namespace {

const std::vector<std::string> kNone;

/// std::regex recurses per character: a longer subject or pattern isn't worth a stack.
constexpr std::size_t kMaxPattern = 256;
constexpr std::size_t kMaxSubject = 4096;

bool fuzzy(const std::string& pattern, std::string_view text) {
    if (text.find(pattern) != std::string_view::npos) return true;
    if (pattern.size() > kMaxPattern || text.size() > kMaxSubject) return false;
    if (pattern.find_first_of("^$.*+?()[]{}|\\") == std::string::npos) return false;
    try {
        return std::regex_search(text.begin(), text.end(), std::regex(pattern, std::regex::ECMAScript));
    } catch (const std::regex_error&) {  // as in Docker, a pattern that is none matches only as plain text
        return false;
    }
}

}  // namespace

Filters Filters::parse(std::string_view json) {
    Filters filters;
    if (json.empty()) return filters;
    try {
        const json::Document document = json::Document::parse(json);
        for (const auto& [name, values] : document.root().object()) {
            if (values.isArray()) {
                for (const std::string& value : values.strings()) filters.add(std::string(name), value);
            } else {
                for (const auto& [value, on] : values.object())
                    if (on.boolean()) filters.add(std::string(name), std::string(value));
            }
        }
    } catch (const Error& failure) {
        throw error(Code::invalid, "invalid filter: {}", failure.text());
    }
    return filters;
}

void Filters::add(std::string name, std::string value) { values_[std::move(name)].push_back(std::move(value)); }

bool Filters::has(std::string_view name) const { return values_.find(name) != values_.end(); }

const std::vector<std::string>& Filters::values(std::string_view name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? kNone : found->second;
}

bool Filters::boolean(std::string_view name, bool fallback) const {
    const std::vector<std::string>& given = values(name);
    if (given.empty()) return fallback;
    const auto is = [&](std::string_view a, std::string_view b) { return given[0] == a || given[0] == b; };
    if (given.size() == 1 && is("1", "true")) return true;
    if (given.size() == 1 && is("0", "false")) return false;
    throw error(Code::invalid, "invalid filter '{}=[{}]'", name, fmt::join(given, " "));
}

void Filters::allowOnly(const std::vector<std::string_view>& known) const {
    for (const auto& [name, values] : values_)
        if (std::find(known.begin(), known.end(), name) == known.end())
            throw error(Code::invalid, "invalid filter '{}'", name);
}

bool Filters::matchExact(std::string_view name, std::string_view text) const {
    const std::vector<std::string>& given = values(name);
    return given.empty() || std::find(given.begin(), given.end(), text) != given.end();
}

bool Filters::matchBeginning(std::string_view name, std::string_view text) const {
    const std::vector<std::string>& given = values(name);
    return given.empty() || std::any_of(given.begin(), given.end(), [&](const auto& one) { return text.starts_with(one); });
}

bool Filters::matchFuzzy(std::string_view name, std::string_view text) const {
    const std::vector<std::string>& given = values(name);
    return given.empty() || std::any_of(given.begin(), given.end(), [&](const auto& one) { return fuzzy(one, text); });
}

bool Filters::matchFuzzyId(std::string_view id) const {
    const std::vector<std::string>& given = values("id");
    return given.empty() || std::any_of(given.begin(), given.end(), [&](const auto& one) { return id.starts_with(one); });
}

bool Filters::matchLabels(std::string_view name, const std::map<std::string, std::string>& labels) const {
    return std::all_of(values(name).begin(), values(name).end(), [&](const std::string& wanted) {
        const std::size_t equals = wanted.find('=');
        const auto found = labels.find(wanted.substr(0, equals));
        return found != labels.end() && (equals == std::string::npos || found->second == wanted.substr(equals + 1));
    });
}

}  // namespace davit::engine
