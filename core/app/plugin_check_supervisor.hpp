// Supervises the process that checks: a driver that ends it, or that doesn't answer for too long, breaks the rule that was being checked,
// and another process goes on behind that rule. A driver that blocks twice is given up.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "plugin_check_targets.hpp"

namespace davit::plugin_check {

/// Runs this program again with `arguments` and what a watched process needs, as often as it takes. Its output is ours. Throws Error
/// with the process's own text when the target can't be checked at all.
[[nodiscard]] Totals supervise(const std::vector<std::string>& arguments, std::chrono::seconds patience);

}  // namespace davit::plugin_check
