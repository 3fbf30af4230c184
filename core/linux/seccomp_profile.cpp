#include "linux/seccomp_profile.hpp"

#include <linux/seccomp.h>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <map>

#include "base/check.hpp"
#include "base/json.hpp"

namespace davit::linux {
namespace {

// The machine's name in Go's spelling, which Docker's profiles use in "arches".
#if defined(__x86_64__)
constexpr std::string_view kGoArchitecture = "amd64";
#elif defined(__aarch64__)
constexpr std::string_view kGoArchitecture = "arm64";
#elif defined(__riscv)
constexpr std::string_view kGoArchitecture = "riscv64";
#else
constexpr std::string_view kGoArchitecture = "other";
#endif

const std::map<std::string, std::uint32_t, std::less<>>& architectureTokens() {
    static const std::map<std::string, std::uint32_t, std::less<>> tokens = {
        {"SCMP_ARCH_X86", SCMP_ARCH_X86},         {"SCMP_ARCH_X86_64", SCMP_ARCH_X86_64},
        {"SCMP_ARCH_X32", SCMP_ARCH_X32},         {"SCMP_ARCH_ARM", SCMP_ARCH_ARM},
        {"SCMP_ARCH_AARCH64", SCMP_ARCH_AARCH64}, {"SCMP_ARCH_MIPS", SCMP_ARCH_MIPS},
        {"SCMP_ARCH_MIPS64", SCMP_ARCH_MIPS64},   {"SCMP_ARCH_MIPS64N32", SCMP_ARCH_MIPS64N32},
        {"SCMP_ARCH_MIPSEL", SCMP_ARCH_MIPSEL},   {"SCMP_ARCH_MIPSEL64", SCMP_ARCH_MIPSEL64},
        {"SCMP_ARCH_MIPSEL64N32", SCMP_ARCH_MIPSEL64N32}, {"SCMP_ARCH_PPC", SCMP_ARCH_PPC},
        {"SCMP_ARCH_PPC64", SCMP_ARCH_PPC64},     {"SCMP_ARCH_PPC64LE", SCMP_ARCH_PPC64LE},
        {"SCMP_ARCH_S390", SCMP_ARCH_S390},       {"SCMP_ARCH_S390X", SCMP_ARCH_S390X},
        {"SCMP_ARCH_PARISC", SCMP_ARCH_PARISC},   {"SCMP_ARCH_PARISC64", SCMP_ARCH_PARISC64},
        {"SCMP_ARCH_RISCV64", SCMP_ARCH_RISCV64}};
    return tokens;
}

// Newer architectures than the library's (loongarch64) are none of this machine's business: skipped.
void addArchitecture(SeccompProfile& profile, std::string_view name) {
    if (const auto found = architectureTokens().find(name); found != architectureTokens().end())
        profile.architectures.push_back(found->second);
    else if (!name.starts_with("SCMP_ARCH_"))
        throw error(Code::invalid, "seccomp: unknown architecture {}", json::quote(name));
}

std::uint32_t actionOf(std::string_view name, const json::Value& errno_ret) {
    const auto number = static_cast<std::uint32_t>(errno_ret.unsignedInteger(EPERM) & 0xffffU);
    if (name == "SCMP_ACT_ALLOW") return SCMP_ACT_ALLOW;
    if (name == "SCMP_ACT_ERRNO") return SCMP_ACT_ERRNO(number);
    if (name == "SCMP_ACT_TRACE") return SCMP_ACT_TRACE(number);
    if (name == "SCMP_ACT_KILL" || name == "SCMP_ACT_KILL_THREAD") return SCMP_ACT_KILL_THREAD;
    if (name == "SCMP_ACT_KILL_PROCESS") return SCMP_ACT_KILL_PROCESS;
    if (name == "SCMP_ACT_TRAP") return SCMP_ACT_TRAP;
    if (name == "SCMP_ACT_LOG") return SCMP_ACT_LOG;
    throw error(Code::invalid, "seccomp: unknown action {}", json::quote(name));
}

scmp_compare operatorOf(std::string_view name) {
    constexpr std::array<std::pair<std::string_view, scmp_compare>, 7> kOperators = {{{"SCMP_CMP_NE", SCMP_CMP_NE},
                                                                                       {"SCMP_CMP_LT", SCMP_CMP_LT},
                                                                                       {"SCMP_CMP_LE", SCMP_CMP_LE},
                                                                                       {"SCMP_CMP_EQ", SCMP_CMP_EQ},
                                                                                       {"SCMP_CMP_GE", SCMP_CMP_GE},
                                                                                       {"SCMP_CMP_GT", SCMP_CMP_GT},
                                                                                       {"SCMP_CMP_MASKED_EQ",
                                                                                        SCMP_CMP_MASKED_EQ}}};
    for (const auto& [text, op] : kOperators)
        if (text == name) return op;
    throw error(Code::invalid, "seccomp: unknown operator {}", json::quote(name));
}

std::uint32_t flagOf(std::string_view name) {
    if (name == "SECCOMP_FILTER_FLAG_LOG") return SECCOMP_FILTER_FLAG_LOG;
    if (name == "SECCOMP_FILTER_FLAG_SPEC_ALLOW") return SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    // The launcher has one thread: synchronising threads is done.
    if (name == "SECCOMP_FILTER_FLAG_TSYNC") return 0;
    throw error(Code::invalid, "seccomp: unsupported flag {}", json::quote(name));
}

bool has(const std::vector<std::string>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

bool kernelIsAtLeast(std::string_view wanted) {
    utsname host{};
    check(::uname(&host), "read the kernel's version");
    unsigned major = 0;
    unsigned minor = 0;
    unsigned wanted_major = 0;
    unsigned wanted_minor = 0;
    if (std::sscanf(std::string(wanted).c_str(), "%u.%u", &wanted_major, &wanted_minor) != 2)
        throw error(Code::invalid, "seccomp: minKernel {} is no version", json::quote(wanted));
    if (std::sscanf(host.release, "%u.%u", &major, &minor) != 2) return false;
    return std::pair(major, minor) >= std::pair(wanted_major, wanted_minor);
}

}  // namespace

// Every include must hold, no exclude may.
bool seccompRuleApplies(const json::Value& rule, const std::vector<std::string>& capabilities) {
    const json::Value includes = rule["includes"];
    const json::Value excludes = rule["excludes"];
    const auto arches = includes["arches"].strings();
    if (!arches.empty() && !has(arches, kGoArchitecture)) return false;
    if (has(excludes["arches"].strings(), kGoArchitecture)) return false;
    for (const std::string& name : includes["caps"].strings())
        if (!has(capabilities, name)) return false;
    for (const std::string& name : excludes["caps"].strings())
        if (has(capabilities, name)) return false;
    if (includes["minKernel"] && !kernelIsAtLeast(includes["minKernel"].stringView())) return false;
    return !excludes["minKernel"] || !kernelIsAtLeast(excludes["minKernel"].stringView());
}

namespace {

SeccompRule readRule(const json::Value& value) {
    SeccompRule rule;
    rule.names = value["names"].strings();
    if (value["name"]) rule.names.push_back(value["name"].string());
    rule.action = actionOf(value["action"].stringView(), value["errnoRet"]);
    for (const json::Value argument : value["args"].array()) {
        const auto index = argument["index"].unsignedInteger();
        if (index > 5) throw error(Code::invalid, "seccomp: a system call has no argument {}", index);
        rule.arguments.push_back({.arg = static_cast<unsigned>(index),
                                  .op = operatorOf(argument["op"].stringView()),
                                  .datum_a = argument["value"].unsignedInteger(),
                                  .datum_b = argument["valueTwo"].unsignedInteger()});
    }
    return rule;
}

}  // namespace

SeccompProfile parseSeccompProfile(std::string_view json, const std::vector<std::string>& capabilities) {
    const json::Document document = json::Document::parse(json);
    const json::Value root = document.root();
    SeccompProfile profile;
    profile.default_action = actionOf(root["defaultAction"].stringView(), root["defaultErrnoRet"]);
    for (const std::string& name : root["architectures"].strings()) addArchitecture(profile, name);
    for (const json::Value entry : root["archMap"].array()) {
        const auto native = architectureTokens().find(entry["architecture"].stringView());
        if (native == architectureTokens().end() || native->second != ::seccomp_arch_native()) continue;
        for (const std::string& name : entry["subArchitectures"].strings()) addArchitecture(profile, name);
    }
    for (const std::string& name : root["flags"].strings()) profile.flags |= flagOf(name);
    for (const json::Value value : root["syscalls"].array())
        if (seccompRuleApplies(value, capabilities)) profile.rules.push_back(readRule(value));
    return profile;
}

}  // namespace davit::linux
