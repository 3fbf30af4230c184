#include "runtime/environment.hpp"

#include <algorithm>

namespace davit::runtime {

std::string_view variableName(std::string_view variable) { return variable.substr(0, variable.find('=')); }

bool hasVariable(const std::vector<std::string>& environment, std::string_view name) {
    return std::any_of(environment.begin(), environment.end(),
                       [&](const std::string& variable) { return variableName(variable) == name; });
}

void setVariable(std::vector<std::string>& environment, const std::string& variable) {
    const std::string_view name = variableName(variable);
    const auto same = [&](const std::string& other) { return variableName(other) == name; };
    if (name.size() == variable.size()) {
        std::erase_if(environment, same);
        return;
    }
    const auto found = std::find_if(environment.begin(), environment.end(), same);
    if (found == environment.end())
        environment.push_back(variable);
    else
        *found = variable;
}

}  // namespace davit::runtime
