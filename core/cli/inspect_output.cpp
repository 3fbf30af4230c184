#include "cli/inspect_output.hpp"

#include "base/check.hpp"
#include "cli/formatter.hpp"
#include "cli/template.hpp"

namespace davit::cli {
namespace {

tmpl::Template parseFormat(const std::string& format) {
    try {
        return tmpl::Template::parse(unescapeFormat(format));
    } catch (const Error& failure) {
        throw error(Code::invalid, "template parsing error: {}", failure.text());
    }
}

}  // namespace

std::string indentJson(std::string_view text) {
    std::string out;
    std::size_t depth = 0;
    const auto new_line = [&] {
        out += '\n';
        out.append(depth * 4, ' ');
    };
    bool opened = false;  // directly behind { or [
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == ' ' || c == '\n' || c == '\r' || c == '\t') continue;
        if (c == '}' || c == ']') {
            --depth;
            if (!opened) new_line();
            opened = false;
            out += c;
            continue;
        }
        if (opened) new_line();
        opened = false;
        out += c;
        if (c == '{' || c == '[') {
            ++depth;
            opened = true;
        } else if (c == ',') {
            new_line();
        } else if (c == ':') {
            out += ' ';
        } else if (c == '"') {
            for (++i; i < text.size() && text[i] != '"'; ++i) {
                out += text[i];
                if (text[i] == '\\' && i + 1 < text.size()) out += text[++i];
            }
            out += '"';
        }
    }
    return out;
}

InspectOutput::InspectOutput(std::string format) : format_(std::move(format)) {
    if (!format_.empty() && format_ != "json") (void)parseFormat(format_);
}

void InspectOutput::add(const std::string& text) {
    if (format_.empty() || format_ == "json") {
        elements_.push_back(text.substr(0, text.find_last_not_of(" \r\n") + 1));
        return;
    }
    const json::Document document = json::Document::parse(text, 1000);
    try {
        lines_ += parseFormat(format_).run(tmpl::Value(document.root())) + "\n";
    } catch (const Error& failure) {
        throw error(Code::invalid, "template parsing error: {}", failure.text());
    }
}

std::string InspectOutput::finish() const {
    if (!format_.empty() && format_ != "json") return lines_.empty() ? "\n" : lines_;
    std::string array = "[";
    for (const std::string& element : elements_) array += (array.size() > 1 ? "," : "") + element;
    array += "]";
    return (format_.empty() ? indentJson(array) : array) + "\n";
}

}  // namespace davit::cli
