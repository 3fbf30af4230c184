#include "cli/table.hpp"

#include <algorithm>
#include <vector>

namespace davit::cli {
namespace {

using Line = std::vector<std::string_view>;

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    for (;;) {
        const std::size_t at = text.find(separator);
        parts.push_back(text.substr(0, at));
        if (at == std::string_view::npos) return parts;
        text.remove_prefix(at + 1);
    }
}

class Aligner {
  public:
    Aligner(const std::vector<Line>& lines, const TableLayout& layout) : lines_(lines), layout_(layout) {
        widths_.resize(lines.size());
    }

    // Sets the widths of column `column` and of those right of it, for the run of lines [first, last).
    void measure(std::size_t column, std::size_t first, std::size_t last) {
        for (std::size_t at = first; at < last;) {
            if (!hasColumn(at, column)) {
                ++at;
                continue;
            }
            std::size_t end = at;
            std::size_t width = layout_.minimum_width;
            for (; end < last && hasColumn(end, column); ++end)
                width = std::max(width, displayWidth(lines_[end][column]) + layout_.padding);
            for (std::size_t line = at; line < end; ++line) widths_[line].push_back(width);
            measure(column + 1, at, end);
            at = end;
        }
    }

    [[nodiscard]] std::string text() const {
        std::string out;
        for (std::size_t at = 0; at < lines_.size(); ++at) {
            for (std::size_t column = 0; column < lines_[at].size(); ++column) {
                out += lines_[at][column];
                if (column < widths_[at].size())
                    out.append(widths_[at][column] - displayWidth(lines_[at][column]), ' ');
            }
            if (at + 1 < lines_.size()) out += '\n';
        }
        return out;
    }

  private:
    [[nodiscard]] bool hasColumn(std::size_t line, std::size_t column) const {
        return column + 1 < lines_[line].size();
    }

    const std::vector<Line>& lines_;
    const TableLayout& layout_;
    std::vector<std::vector<std::size_t>> widths_;
};

}  // namespace

std::size_t displayWidth(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string alignTable(std::string_view text, const TableLayout& layout) {
    std::vector<Line> lines;
    for (const std::string_view line : split(text, '\n')) lines.push_back(split(line, '\t'));
    Aligner aligner(lines, layout);
    aligner.measure(0, 0, lines.size());
    return aligner.text();
}

std::string ellipsis(std::string_view text, std::size_t length) {
    if (displayWidth(text) <= length) return std::string(text);
    std::size_t end = 0;
    for (std::size_t kept = 0; end < text.size(); ++end)
        if ((static_cast<unsigned char>(text[end]) & 0xC0) != 0x80 && kept++ == length - 1) break;
    return std::string(text.substr(0, end)) + "…";
}

}  // namespace davit::cli
