// The parsed form of a template. Internal to the template engine.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/template_value.hpp"

namespace davit::cli::tmpl {

struct Pipeline;

/// One word of a command, with the fields that are read from it: `.`, `$x.A.B`, `"text"`, `len`, `(…).A`.
struct Operand {
    enum class Kind { dot, variable, literal, function, pipeline };
    Kind kind = Kind::dot;
    std::string name;  ///< of the variable or function
    Value literal;
    std::shared_ptr<const Pipeline> pipeline;
    std::vector<std::string> fields;
    std::string source;    ///< as written, for error texts
    std::string position;  ///< "line:column": of its second field, else of its start, as in Go
};

/// `operand argument…`: a function or method call, or just a value.
using CommandWords = std::vector<Operand>;

struct Pipeline {
    std::vector<std::string> variables;  ///< that it sets ("$x"); range may have two
    bool declares = false;               ///< := instead of =
    std::vector<CommandWords> commands;
};

struct Node;
struct Block {
    std::vector<Node> nodes;
};

struct Node {
    enum class Kind { text, output, if_, range, with, break_, continue_ };
    Kind kind = Kind::text;
    std::string text;
    Pipeline pipeline;
    Block body;
    Block otherwise;
};

/// Calls the function `name`; std::nullopt when there is none of that name. Throws Error{invalid}.
[[nodiscard]] std::optional<Value> callFunction(std::string_view name, const List& arguments);
[[nodiscard]] bool isFunction(std::string_view name);
/// Docker's own functions, which pass headers through.
[[nodiscard]] bool isFormattingFunction(std::string_view name);

}  // namespace davit::cli::tmpl
