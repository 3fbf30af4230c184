// InspectOutput: what every `inspect` prints: an indented JSON array in the server's member order, or a template's text
// per element.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace davit::cli {

class InspectOutput {
  public:
    /// `format`: "" for the array, "json" for the array in one line, else a template. Throws Error{invalid} "template
    /// parsing error: …".
    explicit InspectOutput(std::string format);
    /// Adds one JSON text. Throws Error{invalid} when the template can't be run on it.
    void add(const std::string& text);
    [[nodiscard]] std::string finish() const;

  private:
    std::string format_;
    std::vector<std::string> elements_;
    std::string lines_;
};

/// JSON text with each member on a line of its own, four spaces per level; nothing else is changed.
[[nodiscard]] std::string indentJson(std::string_view text);

}  // namespace davit::cli
