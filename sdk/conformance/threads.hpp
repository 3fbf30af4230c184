// Several threads in a rule, for drivers are called from any.
#pragma once

#include <functional>

namespace davit::conformance {

/// Runs work(0) … work(count - 1) at once and returns when all have ended; the first failure breaks the rule.
void together(int count, const std::function<void(int)>& work);

}  // namespace davit::conformance
