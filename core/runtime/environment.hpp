// Lists of NAME=value, in which a name stands once.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace davit::runtime {

/// "NAME" of "NAME=value" or of a bare "NAME".
[[nodiscard]] std::string_view variableName(std::string_view variable);

[[nodiscard]] bool hasVariable(const std::vector<std::string>& environment, std::string_view name);

/// Replaces the variable of the same name in its place, or appends. A bare "NAME" removes it, as Docker does.
void setVariable(std::vector<std::string>& environment, const std::string& variable);

}  // namespace davit::runtime
