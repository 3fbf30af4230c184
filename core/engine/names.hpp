// Names of containers: what is allowed, and the made-up ones.
#pragma once

#include <string>
#include <string_view>

namespace davit::engine {

/// [a-zA-Z0-9][a-zA-Z0-9_.-]+ : Docker's rule, without the slash in front.
[[nodiscard]] bool isContainerName(std::string_view name) noexcept;

/// "adjective_surname"; with `attempt` > 0 a digit is added, as collisions become likely.
[[nodiscard]] std::string randomName(unsigned attempt);

}  // namespace davit::engine
