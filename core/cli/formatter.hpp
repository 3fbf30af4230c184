// Formatter: the rows of a list as a table, as JSON lines or through the user's template, as Docker's --format does it.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/template_value.hpp"

namespace davit::cli {

/// Field names and the table headers that stand for them.
using Columns = std::vector<std::pair<std::string, std::string>>;

struct ListFormat {
    std::string table;  ///< template of the default table, without "table "
    Columns columns;
};

class Formatter {
  public:
    /// `format`: "", "table", "table TEMPLATE", "json" or a template. `quiet` shows only the field ID of the default
    /// table.
    Formatter(const std::string& format, const ListFormat& list, bool quiet, std::string id_field = "ID");

    /// Whether the template reads that field.
    [[nodiscard]] bool uses(std::string_view field) const;
    void add(std::shared_ptr<const tmpl::Record> row) { rows_.push_back(std::move(row)); }
    /// Everything, with headers where there are some. Throws Error{invalid} for a wrong template.
    [[nodiscard]] std::string text() const;

  private:
    std::string template_;
    bool table_ = false;
    const ListFormat& list_;
    std::vector<std::shared_ptr<const tmpl::Record>> rows_;
};

/// `a=1,b=2` in order of the names.
[[nodiscard]] std::string joinLabels(const json::Value& labels);

/// Returns a --filter value; throws Error{invalid} for one without '='.
[[nodiscard]] std::string checkFilter(const std::string& filter);
/// The JSON of checked filters: {"status":{"running":true}}. "" for none.
[[nodiscard]] std::string filtersJson(const std::vector<std::string>& filters);

/// Docker's explanation of --format, for lists (with table) and for inspect.
[[nodiscard]] std::string formatUsage(bool list);

/// Replaces the two-character sequences \t and \n by what they mean, as the shell's single quotes leave them.
[[nodiscard]] std::string unescapeFormat(std::string text);

}  // namespace davit::cli
