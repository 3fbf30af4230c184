// Questions to the user.
#pragma once

#include <string>

namespace davit::cli {

/// Asks on standard output; only "y" and "Y" agree.
[[nodiscard]] bool confirmed(const std::string& question);

}  // namespace davit::cli
