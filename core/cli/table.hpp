// Tables in the layout of Go's text/tabwriter, which Docker's lists use.
#pragma once

#include <string>
#include <string_view>

namespace davit::cli {

struct TableLayout {
    std::size_t minimum_width = 10;  ///< of a column, padding included
    std::size_t padding = 3;
};

/// Aligns the tab-terminated cells of `text`, line by line: a column is as wide as its widest cell in the run of lines
/// that have it. The last cell of a line (not followed by a tab) is no part of a column. Widths count characters, not
/// bytes.
[[nodiscard]] std::string alignTable(std::string_view text, const TableLayout& layout = {});

/// Characters of UTF-8 text.
[[nodiscard]] std::size_t displayWidth(std::string_view text);

/// The first `length` characters; a longer text ends with "…" as its last one.
[[nodiscard]] std::string ellipsis(std::string_view text, std::size_t length);

}  // namespace davit::cli
