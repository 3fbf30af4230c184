#include <sys/resource.h>

#include <array>
#include <cstring>

#include "base/check.hpp"
#include "linux/capability.hpp"
#include "runtime/plan_compiler.hpp"

namespace davit::runtime {
namespace {

struct LimitName {
    std::string_view name;
    unsigned number;
};

constexpr std::array kLimits{
    LimitName{"RLIMIT_AS", RLIMIT_AS},           LimitName{"RLIMIT_CORE", RLIMIT_CORE},
    LimitName{"RLIMIT_CPU", RLIMIT_CPU},         LimitName{"RLIMIT_DATA", RLIMIT_DATA},
    LimitName{"RLIMIT_FSIZE", RLIMIT_FSIZE},     LimitName{"RLIMIT_LOCKS", RLIMIT_LOCKS},
    LimitName{"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK}, LimitName{"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
    LimitName{"RLIMIT_NICE", RLIMIT_NICE},       LimitName{"RLIMIT_NOFILE", RLIMIT_NOFILE},
    LimitName{"RLIMIT_NPROC", RLIMIT_NPROC},     LimitName{"RLIMIT_RSS", RLIMIT_RSS},
    LimitName{"RLIMIT_RTPRIO", RLIMIT_RTPRIO},   LimitName{"RLIMIT_RTTIME", RLIMIT_RTTIME},
    LimitName{"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING}, LimitName{"RLIMIT_STACK", RLIMIT_STACK},
};

plan::Rlimit compileLimit(const oci::Rlimit& limit) {
    for (const LimitName& known : kLimits)
        if (known.name == limit.type) return {known.number, 0, limit.soft, limit.hard};
    throw error(Code::invalid, "invalid rlimit type: {}", limit.type);
}

/// Names that this davit doesn't know are left out: a spec may come from a newer world.
std::uint64_t mask(const std::vector<std::string>& names) {
    std::uint64_t bits = 0;
    for (const std::string& name : names)
        if (const auto number = linux::capabilityNumber(name)) bits |= std::uint64_t{1} << *number;
    return bits;
}

void compileCapabilities(const oci::Capabilities& capabilities, plan::Process& plan) {
    plan.set_capabilities = 1;
    plan.capabilities[plan::cap_bounding] = mask(capabilities.bounding);
    plan.capabilities[plan::cap_effective] = mask(capabilities.effective);
    plan.capabilities[plan::cap_inheritable] = mask(capabilities.inheritable);
    plan.capabilities[plan::cap_permitted] = mask(capabilities.permitted);
    plan.capabilities[plan::cap_ambient] = mask(capabilities.ambient);
}

}  // namespace

plan::Process compileProcess(PlanBuilder& builder, const oci::Process& process, std::string_view seccomp_program,
                             std::uint32_t seccomp_flags) {
    plan::Process plan;
    plan.args = builder.texts(process.args);
    plan.env = builder.texts(process.env);
    plan.cwd = builder.text(process.cwd);
    plan.user = builder.text(process.user.username);
    plan.uid = process.user.uid;
    plan.gid = process.user.gid;
    plan.gids = builder.list(process.user.additional_gids);
    plan.group_names = builder.texts(process.user.group_names);
    plan.set_umask = process.user.umask.has_value();
    plan.umask = process.user.umask.value_or(022);
    if (process.capabilities) compileCapabilities(*process.capabilities, plan);
    plan.no_new_privileges = process.no_new_privileges;
    std::vector<plan::Rlimit> limits;
    for (const oci::Rlimit& limit : process.rlimits) limits.push_back(compileLimit(limit));
    plan.rlimits = builder.list(limits);
    plan.set_oom_score_adj = process.oom_score_adj.has_value();
    plan.oom_score_adj = process.oom_score_adj.value_or(0);
    plan.seccomp = builder.bytes(seccomp_program, 8);
    plan.seccomp_flags = seccomp_flags;
    plan.terminal = process.terminal;
    plan.rows = process.console_size.height;
    plan.columns = process.console_size.width;
    plan.apparmor = builder.text(process.apparmor_profile);
    return plan;
}

namespace {

/// Docker's names of control characters; std::nullopt for what is none.
std::optional<char> parseKey(std::string_view key) {
    if (key.size() == 1) return key.front();
    if (key.size() != 6 || !key.starts_with("ctrl-")) return std::nullopt;
    const char letter = key.back();
    if (letter >= 'a' && letter <= 'z') return static_cast<char>(letter - 'a' + 1);
    constexpr std::string_view kOthers = "@[\\]^_";
    constexpr std::string_view kValues("\0\x1b\x1c\x1d\x1e\x1f", 6);
    const std::size_t index = kOthers.find(letter);
    if (index == std::string_view::npos || index == 0) return std::nullopt;  // NUL can't be told from the end
    return kValues[index];
}

}  // namespace

std::string parseDetachKeys(std::string_view keys) {
    if (keys.empty()) keys = "ctrl-p,ctrl-q";
    std::string bytes;
    while (true) {
        const std::size_t comma = keys.find(',');
        const std::optional<char> key = parseKey(keys.substr(0, comma));
        if (!key) return {};
        bytes += *key;
        if (comma == std::string_view::npos) return bytes;
        keys.remove_prefix(comma + 1);
    }
}

}  // namespace davit::runtime
