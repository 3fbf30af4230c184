// Splits a template into text and the tokens of its actions. Internal to the template engine.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace davit::cli::tmpl {

struct Token {
    enum class Kind {
        text,        ///< outside of actions
        open,        ///< {{
        close,       ///< }}
        field,       ///< .Name, one token per name; `spaced` tells a chain from a new word
        dot,         ///< a lone .
        variable,    ///< $ or $name
        identifier,  ///< function or keyword
        string,      ///< "…" or `…`, decoded
        character,   ///< 'x', as its number
        number,
        symbol,  ///< ( ) | , = :=
    };
    Kind kind;
    std::string text;
    bool spaced = false;   ///< white space (or the action's start) stands before it
    std::string position;  ///< "line:column" of its first character, as Go's errors name it
};

/// Throws Error{invalid} "template: :1: …". Comments are gone, trim markers are applied.
[[nodiscard]] std::vector<Token> tokenize(std::string_view text);

}  // namespace davit::cli::tmpl
