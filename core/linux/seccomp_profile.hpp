// A seccomp profile as values, after everything that doesn't hold for this host and container is gone.
#pragma once

#include <seccomp.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::json {
class Value;
}

namespace davit::linux {

struct SeccompRule {
    std::vector<std::string> names;
    std::uint32_t action = 0;  ///< SCMP_ACT_…
    std::vector<scmp_arg_cmp> arguments;
};

struct SeccompProfile {
    std::uint32_t default_action = 0;
    std::vector<std::uint32_t> architectures;  ///< SCMP_ARCH_… beside the native one
    std::uint32_t flags = 0;
    std::vector<SeccompRule> rules;
};

/// Reads either form of profile. Docker's includes and excludes are decided here: by `capabilities`, by the machine's
/// architecture, by the running kernel. Throws Error{invalid}.
[[nodiscard]] SeccompProfile parseSeccompProfile(std::string_view json, const std::vector<std::string>& capabilities);

/// True when Docker's includes and excludes of a rule let it hold here.
[[nodiscard]] bool seccompRuleApplies(const json::Value& rule, const std::vector<std::string>& capabilities);

}  // namespace davit::linux
