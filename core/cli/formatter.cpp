#include "cli/formatter.hpp"

#include <set>

#include "base/check.hpp"
#include "cli/table.hpp"
#include "cli/template.hpp"

namespace davit::cli {
namespace {

bool isTable(std::string_view format) { return format == "table" || format.starts_with("table "); }

}  // namespace

std::string unescapeFormat(std::string text) {
    for (const auto& [escape, meaning] : {std::pair{"\\t", "\t"}, {"\\n", "\n"}})
        for (std::size_t at = 0; (at = text.find(escape, at)) != std::string::npos; ++at) text.replace(at, 2, meaning);
    return text;
}

Formatter::Formatter(const std::string& format, const ListFormat& list, bool quiet, std::string id_field)
    : list_(list) {
    table_ = format.empty() || isTable(format);
    if (quiet && (format.empty() || format == "table")) {
        table_ = false;
        template_ = "{{." + id_field + "}}";
    } else if (format.empty() || format == "table") {
        template_ = list.table;
    } else if (format == "json") {
        template_ = "{{json .}}";
    } else {
        template_ = unescapeFormat(table_ ? format.substr(6) : format);
    }
}

bool Formatter::uses(std::string_view field) const {
    return template_.find("." + std::string(field)) != std::string::npos;
}

std::string Formatter::text() const {
    tmpl::Template parsed;
    try {
        parsed = tmpl::Template::parse(template_);
    } catch (const Error& failure) {
        throw error(Code::invalid, "failed to parse template: {}", failure.text());
    }
    std::string out;
    if (table_) {
        auto headers = std::make_shared<tmpl::Record>();
        headers->is_map = true;
        for (const auto& [name, header] : list_.columns) headers->fields[name] = header;
        headers->methods["Label"] = [](const tmpl::List& given) -> tmpl::Value {
            const std::string name = given.empty() ? "" : given[0].print();
            return name.substr(name.rfind('.') + 1);
        };
        out = parsed.run(tmpl::Value(std::shared_ptr<const tmpl::Record>(headers)), tmpl::Mode::headers) + "\n";
    }
    for (const auto& row : rows_) {
        try {
            out += parsed.run(tmpl::Value(row)) + "\n";
        } catch (const Error& failure) {
            throw error(Code::invalid, "failed to execute template: {}", failure.text());
        }
    }
    return table_ ? alignTable(out) : out;
}

std::string joinLabels(const json::Value& labels) {
    std::string out;
    for (const auto& [name, value] : labels.stringMap()) out += (out.empty() ? "" : ",") + name + "=" + value;
    return out;
}

std::string checkFilter(const std::string& filter) {
    if (filter.find('=') == std::string::npos) throw Error(Code::invalid, "bad format of filter (expected name=value)");
    return filter;
}

std::string filtersJson(const std::vector<std::string>& filters) {
    if (filters.empty()) return {};
    std::map<std::string, std::set<std::string>> sorted;
    for (const std::string& filter : filters) {
        const std::size_t equals = filter.find('=');
        std::string name = filter.substr(0, equals);
        while (name.ends_with(' ')) name.pop_back();
        for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
        sorted[name].insert(filter.substr(equals + 1));
    }
    json::Writer out;
    out.object([&] {
        for (const auto& entry : sorted)
            out.object(entry.first, [&] {
                for (const std::string& value : entry.second) out.member(value, true);
            });
    });
    return out.take();
}

std::string formatUsage(bool list) {
    std::string out = "Format output using a custom template:\n";
    if (list)
        out +=
            "'table':            Print output in table format with column headers (default)\n"
            "'table TEMPLATE':   Print output in table format using the given Go template\n";
    return out +
           "'json':             Print in JSON format\n'TEMPLATE':         Print output using the given Go template.";
}

}  // namespace davit::cli
