#include "app/json_lines.hpp"

#include <algorithm>
#include <vector>

namespace davit::app {
namespace {

/// The string that begins at text[at] == '"'; moves `at` behind it. Escapes stay as they are: keys have none.
std::string_view takeString(std::string_view text, std::size_t& at) {
    const std::size_t start = ++at;
    while (at < text.size() && text[at] != '"') at += text[at] == '\\' ? 2 : 1;
    const std::string_view content = text.substr(start, std::min(at, text.size()) - start);
    ++at;
    return content;
}

bool colonFollows(std::string_view text, std::size_t at) {
    at = text.find_first_not_of(" \t\r\n", at);
    return at != std::string_view::npos && text[at] == ':';
}

}  // namespace

JsonLines::JsonLines(std::string_view json) {
    std::vector<std::string> path;  // the member that each open object or array is the value of
    std::string member;
    for (std::size_t at = 0; at < json.size();) {
        const char c = json[at];
        if (c == '"') {
            const std::size_t start = at;
            const std::string_view content = takeString(json, at);
            if (!colonFollows(json, at)) continue;
            const std::string prefix = path.empty() || path.back().empty() ? "" : path.back() + ".";
            member = prefix + std::string(content);
            lines_.try_emplace(member, lineAt(json, start));
            continue;
        }
        if (c == '{' || c == '[') path.push_back(member);
        if ((c == '}' || c == ']') && !path.empty()) path.pop_back();
        ++at;
    }
}

int JsonLines::of(const std::string& path) const {
    const auto found = lines_.find(path);
    return found == lines_.end() ? 0 : found->second;
}

int lineAt(std::string_view text, std::size_t offset) {
    const auto end = text.begin() + static_cast<std::ptrdiff_t>(std::min(offset, text.size()));
    return 1 + static_cast<int>(std::count(text.begin(), end, '\n'));
}

}  // namespace davit::app
