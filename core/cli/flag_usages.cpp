// The flags' part of a help page.
#include <algorithm>

#include "cli/flags.hpp"

namespace davit::cli {
namespace {

// Cuts a line of at most `room` characters (up to `slop` more for the last words) off the front of `text`.
std::string_view takeLine(std::string_view& text, std::size_t room, std::size_t slop) {
    constexpr auto kNone = std::string_view::npos;
    const std::string_view all = text;
    std::size_t cut = kNone;
    if (room + slop <= text.size()) {
        const std::string_view head = text.substr(0, room);
        const std::size_t space = head.find_last_of(" \t\n");
        const std::size_t line = head.find_last_of('\n');
        cut = line != kNone && line > 0 && line < space ? line : space;
    }
    if (cut == kNone || cut == 0) {
        text = {};
        return all;
    }
    text.remove_prefix(cut + 1);
    return all.substr(0, cut);
}

std::string wrapped(std::string_view text, std::size_t indent, std::size_t columns) {
    constexpr std::size_t kSlop = 5;
    constexpr std::size_t kNarrow = 24;
    std::string out;
    std::size_t room = columns - std::min(columns, indent);
    if (room < kNarrow) {  // too narrow beside the names: a block of its own below them
        indent = 16;
        room = std::max(columns - std::min(columns, indent), kNarrow);
        out += "\n" + std::string(indent, ' ');
    }
    const std::string new_line = "\n" + std::string(indent, ' ');
    bool first = true;
    while (!text.empty()) {
        if (!first) out += new_line;
        first = false;
        for (const char c : takeLine(text, room - kSlop, kSlop)) out += c == '\n' ? new_line : std::string(1, c);
    }
    return out;
}

}  // namespace

std::string FlagSet::usages(std::size_t columns) const {
    std::vector<const Flag*> shown;
    for (const Flag& flag : flags_)
        if (!flag.hidden) shown.push_back(&flag);
    std::sort(shown.begin(), shown.end(), [](const Flag* a, const Flag* b) { return a->name < b->name; });
    std::vector<std::string> names;
    std::size_t width = 0;
    for (const Flag* flag : shown) {
        std::string name = flag->shorthand == '\0' ? "      " : std::string("  -") + flag->shorthand + ", ";
        name += "--" + flag->name + (flag->type.empty() ? "" : " " + flag->type);
        width = std::max(width, name.size());
        names.push_back(std::move(name));
    }
    std::string out;
    for (std::size_t i = 0; i < shown.size(); ++i) {
        std::string usage = shown[i]->usage;
        if (!shown[i]->default_text.empty()) usage += " (default " + shown[i]->default_text + ")";
        const std::size_t indent = width + 3;
        out += names[i] + std::string(indent - names[i].size(), ' ') + wrapped(usage, indent, columns) + "\n";
    }
    return out;
}

}  // namespace davit::cli
