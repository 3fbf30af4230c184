#include "runtime/security_options.hpp"

#include "base/check.hpp"
#include "base/json.hpp"

namespace davit::runtime {
namespace {

// What Go's strconv.ParseBool takes.
std::optional<bool> parseBool(std::string_view text) {
    for (const std::string_view word : {"1", "t", "T", "true", "TRUE", "True"})
        if (text == word) return true;
    for (const std::string_view word : {"0", "f", "F", "false", "FALSE", "False"})
        if (text == word) return false;
    return std::nullopt;
}

[[noreturn]] void refuse(int kind, std::string_view option) {
    throw error(Code::invalid, "invalid --security-opt {}: {}", kind, json::quote(option));
}

bool boolOf(std::string_view value, std::string_view option) {
    const auto flag = parseBool(value);
    if (!flag) refuse(2, option);
    return *flag;
}

void apply(SecurityOptions& result, std::string_view key, std::string_view value, std::string_view option) {
    if (key == "label")
        result.labels.emplace_back(value);
    else if (key == "apparmor")
        result.apparmor = value;
    else if (key == "seccomp")
        result.seccomp = value;
    else if (key == "no-new-privileges")
        result.no_new_privileges = boolOf(value, option);
    else if (key == "writable-cgroups")
        result.writable_cgroups = boolOf(value, option);
    else if (key == "systempaths" && value == "unconfined")
        result.system_paths_unconfined = true;
    else
        refuse(2, option);
}

}  // namespace

SecurityOptions parseSecurityOptions(const Strings& options) {
    SecurityOptions result;
    for (const std::string_view option : options) {
        if (option == "no-new-privileges") {
            result.no_new_privileges = true;
            continue;
        }
        // ":" is the old separator; a seccomp profile has colons of its own behind its "=".
        const auto separator = option.find('=') != std::string_view::npos ? option.find('=') : option.find(':');
        if (separator == std::string_view::npos) refuse(1, option);
        apply(result, option.substr(0, separator), option.substr(separator + 1), option);
    }
    return result;
}

}  // namespace davit::runtime
