#include "base/json.hpp"
#include "linux/seccomp.hpp"
#include "linux/seccomp_profile.hpp"

namespace davit::linux {
namespace {

#if defined(__x86_64__)
constexpr std::string_view kNative = "SCMP_ARCH_X86_64";
#elif defined(__aarch64__)
constexpr std::string_view kNative = "SCMP_ARCH_AARCH64";
#elif defined(__riscv)
constexpr std::string_view kNative = "SCMP_ARCH_RISCV64";
#else
constexpr std::string_view kNative = "";
#endif

std::vector<std::string> architectures(const json::Value& profile) {
    if (!profile["archMap"]) return profile["architectures"].strings();
    std::vector<std::string> names;
    for (const json::Value entry : profile["archMap"].array()) {
        if (entry["architecture"].stringView() != kNative) continue;
        names = entry["subArchitectures"].strings();
        names.insert(names.begin(), std::string(kNative));
    }
    return names;
}

void copy(json::Writer& out, const json::Value& from, std::string_view name) {
    if (const json::Value value = from[name]) out.key(name).raw(value.text());
}

/// libseccomp refuses a rule that does what happens anyway, and not every runtime leaves it out by itself.
bool changesNothing(const json::Value& rule, const json::Value& profile) {
    return rule["action"].stringView() == profile["defaultAction"].stringView() &&
           rule["errnoRet"].unsignedInteger(1) == profile["defaultErrnoRet"].unsignedInteger(1);
}

void writeRule(json::Writer& out, const json::Value& rule) {
    std::vector<std::string> names = rule["names"].strings();
    if (rule["name"]) names.push_back(rule["name"].string());
    out.object([&] {
        out.key("names").value(names);
        for (const char* member : {"action", "errnoRet", "args"}) copy(out, rule, member);
    });
}

}  // namespace

std::string seccompSection(std::string_view text, const std::vector<std::string>& capabilities) {
    (void)parseSeccompProfile(text, capabilities);  // refuses what makes no sense, with our texts
    const json::Document document = json::Document::parse(text);
    const json::Value profile = document.root();
    json::Writer out;
    out.object([&] {
        for (const char* member : {"defaultAction", "defaultErrnoRet", "flags"}) copy(out, profile, member);
        out.key("architectures").value(architectures(profile));
        out.array("syscalls", [&] {
            for (const json::Value rule : profile["syscalls"].array())
                if (seccompRuleApplies(rule, capabilities) && !changesNothing(rule, profile)) writeRule(out, rule);
        });
    });
    return out.take();
}

}  // namespace davit::linux
