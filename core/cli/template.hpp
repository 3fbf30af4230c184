// Template: the subset of Go's text/template that --format is used with.
//
//     tmpl::Template::parse("{{range .Mounts}}{{.Source}} {{end}}").run(tmpl::Value(document.root()))
//
// Supported: fields and chains (.A.B, $.A, (pipeline).A), methods with arguments, pipelines, variables ($x := …, $x =
// …), if / else if / else, range with one or two variables and else, break and continue, with, comments, trim markers,
// the built-in functions (and or not eq ne lt le gt ge index slice len print printf println) and Docker's (json split
// join title lower upper pad truncate). Not supported: define, template, block.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "cli/template_value.hpp"

namespace davit::cli::tmpl {

struct Block;

/// How functions treat what they get.
enum class Mode {
    values,   ///< they work
    headers,  ///< Docker's functions hand their argument through: the row is the table's header
};

/// Immutable once parsed; any thread.
class Template {
  public:
    /// Throws Error{invalid} with the text "template: :1: …".
    [[nodiscard]] static Template parse(std::string_view text);

    /// Throws Error{invalid} "template: :1: executing \"\" at <.Foo>: …".
    [[nodiscard]] std::string run(const Value& data, Mode mode = Mode::values) const;

  private:
    std::shared_ptr<const Block> root_;
};

}  // namespace davit::cli::tmpl
