// The functions of --format templates: Go's built-in ones and Docker's.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "base/check.hpp"
#include "cli/table.hpp"
#include "cli/template_ast.hpp"

namespace davit::cli::tmpl {
namespace {

const Value& at(const List& given, std::size_t index) {
    if (index >= given.size())
        throw error(Code::invalid, "wrong number of args: want at least {} got {}", index + 1, given.size());
    return given[index];
}

std::string textAt(const List& given, std::size_t index) {
    const Value& value = at(given, index);
    if (value.text() == nullptr)
        throw error(Code::invalid, "wrong type for value; expected string; got {}", value.typeName());
    return *value.text();
}

std::int64_t integerAt(const List& given, std::size_t index) {
    const Value& value = at(given, index);
    if (value.integer() == nullptr)
        throw error(Code::invalid, "wrong type for value; expected int; got {}", value.typeName());
    return *value.integer();
}

std::optional<double> numeric(const Value& value) {
    if (value.integer() != nullptr) return static_cast<double>(*value.integer());
    if (value.number() != nullptr) return *value.number();
    return std::nullopt;
}

bool equal(const Value& a, const Value& b) {
    if (a.isNil() || b.isNil()) return a.isNil() && b.isNil();
    if (numeric(a) && numeric(b)) return *numeric(a) == *numeric(b);
    if (a.typeName() != b.typeName()) throw error(Code::invalid, "incompatible types for comparison");
    return a.print() == b.print();
}

// Less than zero, zero, more than zero.
int order(const List& given) {
    const Value& a = at(given, 0);
    const Value& b = at(given, 1);
    if (numeric(a) && numeric(b)) return *numeric(a) < *numeric(b) ? -1 : (*numeric(a) > *numeric(b) ? 1 : 0);
    if (a.text() != nullptr && b.text() != nullptr) return a.text()->compare(*b.text());
    throw error(Code::invalid, "incompatible types for comparison");
}

Value indexOf(const List& given) {
    Value value = at(given, 0);
    for (std::size_t i = 1; i < given.size(); ++i) {
        if (value.isNil()) throw error(Code::invalid, "error calling index: index of untyped nil");
        if (value.isObject()) {
            value = value.member(textAt(given, i)).value_or(Value());
            continue;
        }
        const std::int64_t index = integerAt(given, i);
        if (index < 0 || static_cast<std::size_t>(index) >= value.length())
            throw error(Code::invalid, "error calling index: reflect: slice index out of range");
        if (value.text() != nullptr)
            value = static_cast<int>(static_cast<unsigned char>((*value.text())[static_cast<std::size_t>(index)]));
        else
            value = value.items()[static_cast<std::size_t>(index)];
    }
    return value;
}

Value slice(const List& given) {
    const Value& value = at(given, 0);
    const std::size_t length = value.length();
    const std::size_t first = given.size() > 1 ? static_cast<std::size_t>(integerAt(given, 1)) : 0;
    const std::size_t last = given.size() > 2 ? static_cast<std::size_t>(integerAt(given, 2)) : length;
    if (first > last || last > length) throw error(Code::invalid, "error calling slice: index out of range: {}", last);
    if (value.text() != nullptr) return value.text()->substr(first, last - first);
    const List items = value.items();
    return List(items.begin() + static_cast<std::ptrdiff_t>(first), items.begin() + static_cast<std::ptrdiff_t>(last));
}

// fmt.Print: a space between operands when neither is a string.
std::string printAll(const List& given) {
    std::string out;
    for (std::size_t i = 0; i < given.size(); ++i) {
        if (i > 0 && given[i].text() == nullptr && given[i - 1].text() == nullptr) out += ' ';
        out += given[i].print();
    }
    return out;
}

std::string printLine(const List& given) {
    std::string out;
    for (const Value& value : given) out += (out.empty() ? "" : " ") + value.print();
    return out + "\n";
}

// One verb of printf. `flags` is what stands between % and the verb.
std::string formatted(const std::string& flags, char verb, const Value& value) {
    char buffer[512];
    const auto number = [&](const std::string& conversion, auto content) {
        const int size = std::snprintf(buffer, sizeof buffer, ("%" + flags + conversion).c_str(), content);
        return std::string(buffer, std::min(static_cast<std::size_t>(std::max(size, 0)), sizeof buffer - 1));
    };
    const bool is_integer = value.integer() != nullptr;
    if (is_integer && std::string_view("dxXoc").find(verb) != std::string_view::npos) {
        if (verb == 'c') return number("c", static_cast<int>(*value.integer()));
        return number(std::string("ll") + verb, static_cast<long long>(*value.integer()));
    }
    if (value.number() != nullptr && std::string_view("fgeFGE").find(verb) != std::string_view::npos)
        return number(std::string(1, verb), *value.number());
    if (verb == 'd' || verb == 'f') return fmt::format("%!{}({}={})", verb, value.typeName(), value.print());
    const std::string text = verb == 'q' ? json::quote(value.print()) : value.print();
    const std::size_t dot = flags.find('.');
    const std::size_t limit =
        dot == std::string::npos ? text.size() : static_cast<std::size_t>(std::atoi(flags.c_str() + dot + 1));
    const bool left = flags.starts_with('-');
    const std::size_t width = static_cast<std::size_t>(std::abs(std::atoi(flags.c_str())));
    const std::string shown = text.substr(0, limit);
    const std::string padding(width > displayWidth(shown) ? width - displayWidth(shown) : 0, ' ');
    return left ? shown + padding : padding + shown;
}

std::string printFormatted(const List& given) {
    const std::string format = textAt(given, 0);
    std::string out;
    std::size_t used = 1;
    for (std::size_t i = 0; i < format.size(); ++i) {
        if (format[i] != '%' || i + 1 == format.size()) {
            out += format[i];
            continue;
        }
        const std::size_t verb = format.find_first_not_of("+-# 0123456789.", i + 1);
        if (verb == std::string::npos) return out + "%!(NOVERB)";
        const std::string flags = format.substr(i + 1, verb - i - 1);
        if (format[verb] == '%')
            out += '%';
        else if (used < given.size())
            out += formatted(flags, format[verb], given[used++]);
        else
            out += fmt::format("%!{}(MISSING)", format[verb]);
        i = verb;
    }
    return out;
}

Value split(const List& given) {
    const std::string text = textAt(given, 0);
    const std::string separator = textAt(given, 1);
    List parts;
    std::size_t from = 0;
    for (;;) {
        const std::size_t found =
            separator.empty() ? (from + 1 < text.size() ? from + 1 : std::string::npos) : text.find(separator, from);
        parts.emplace_back(text.substr(from, found == std::string::npos ? found : found - from));
        if (found == std::string::npos) return parts;
        from = found + separator.size();
    }
}

Value join(const List& given) {
    std::string out;
    const std::string separator = textAt(given, 1);
    bool first = true;
    for (const Value& item : at(given, 0).items()) {
        if (!first) out += separator;
        out += item.print();
        first = false;
    }
    return out;
}

std::string mapped(std::string text, int (*convert)(int)) {
    for (char& c : text) c = static_cast<char>((c & 0x80) != 0 ? c : convert(c));
    return text;
}

std::string title(std::string text) {
    bool start = true;
    for (char& c : text) {
        if (start && (c & 0x80) == 0) c = static_cast<char>(std::toupper(c));
        start = c == ' ' || c == '\t' || c == '\n';
    }
    return text;
}

Value pad(const List& given) {
    const std::string text = textAt(given, 0);
    if (text.empty()) return text;
    const auto spaces = [&](std::size_t index) {
        return std::string(static_cast<std::size_t>(std::max<std::int64_t>(0, integerAt(given, index))), ' ');
    };
    return spaces(1) + text + spaces(2);
}

Value truncate(const List& given) {
    const std::string text = textAt(given, 0);
    return text.substr(0, static_cast<std::size_t>(std::max<std::int64_t>(0, integerAt(given, 1))));
}

Value equalsAny(const List& given) {
    const Value& first = at(given, 0);
    (void)at(given, 1);
    return std::any_of(given.begin() + 1, given.end(), [&](const Value& other) { return equal(first, other); });
}

using Function = Value (*)(const List&);

const std::map<std::string_view, Function>& functions() {
    static const std::map<std::string_view, Function> kFunctions = {
        {"and", nullptr},  // and, or: evaluated by the executor, which skips what doesn't matter
        {"or", nullptr},
        {"not", [](const List& g) -> Value { return !at(g, 0).truth(); }},
        {"eq", equalsAny},
        {"ne", [](const List& g) -> Value { return !equal(at(g, 0), at(g, 1)); }},
        {"lt", [](const List& g) -> Value { return order(g) < 0; }},
        {"le", [](const List& g) -> Value { return order(g) <= 0; }},
        {"gt", [](const List& g) -> Value { return order(g) > 0; }},
        {"ge", [](const List& g) -> Value { return order(g) >= 0; }},
        {"index", indexOf},
        {"slice", slice},
        {"len", [](const List& g) -> Value { return static_cast<std::int64_t>(at(g, 0).length()); }},
        {"print", [](const List& g) -> Value { return printAll(g); }},
        {"println", [](const List& g) -> Value { return printLine(g); }},
        {"printf", [](const List& g) -> Value { return printFormatted(g); }},
        {"json", [](const List& g) -> Value { return at(g, 0).jsonText(); }},
        {"split", split},
        {"join", join},
        {"title", [](const List& g) -> Value { return title(textAt(g, 0)); }},
        {"lower", [](const List& g) -> Value { return mapped(textAt(g, 0), [](int c) { return std::tolower(c); }); }},
        {"upper", [](const List& g) -> Value { return mapped(textAt(g, 0), [](int c) { return std::toupper(c); }); }},
        {"pad", pad},
        {"truncate", truncate},
    };
    return kFunctions;
}

}  // namespace

bool isFunction(std::string_view name) { return functions().contains(name); }

bool isFormattingFunction(std::string_view name) {
    for (const std::string_view one : {"json", "split", "join", "title", "lower", "upper", "pad", "truncate"})
        if (name == one) return true;
    return false;
}

std::optional<Value> callFunction(std::string_view name, const List& arguments) {
    const auto found = functions().find(name);
    if (found == functions().end() || found->second == nullptr) return std::nullopt;
    return found->second(arguments);
}

}  // namespace davit::cli::tmpl
