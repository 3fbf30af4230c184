#include "runtime/spec_builder.hpp"

#include <glob.h>


#include "base/check.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "linux/capability.hpp"
#include "linux/seccomp.hpp"
#include "runtime/apparmor.hpp"
#include "runtime/environment.hpp"
#include "runtime/spec_parts.hpp"

namespace davit::runtime {
namespace {

constexpr std::size_t kLongestProfile = 1U << 20;

// Files become /dev/null, directories an empty read-only tmpfs. The per-CPU ones show what neighbours do.
Strings maskedPaths() {
    Strings paths = {"/proc/acpi",       "/proc/asound",        "/proc/interrupts",  "/proc/kcore",
                     "/proc/keys",       "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi",
                     "/proc/timer_list", "/proc/timer_stats",   "/sys/devices/virtual/powercap",
                     "/sys/firmware"};
    glob_t found{};
    if (::glob("/sys/devices/system/cpu/cpu*/thermal_throttle", 0, nullptr, &found) == 0)
        for (std::size_t i = 0; i < found.gl_pathc; ++i) paths.emplace_back(found.gl_pathv[i]);
    ::globfree(&found);
    return paths;
}

Strings readonlyPaths() { return {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}; }

std::string builtinProfile() { return std::string(linux::defaultSeccompProfile()); }

// The profile's JSON text; std::nullopt: no filter.
std::optional<std::string> seccompProfile(const SpecInput& input, const SecurityOptions& security) {
    const std::string& asked = security.seccomp;
    if (asked == "unconfined") return std::nullopt;
    if (!input.facts.seccomp) {
        if (asked.empty() || asked == "builtin") return std::nullopt;
        throw error(Code::invalid, "seccomp is not enabled in your kernel, cannot run a custom seccomp profile");
    }
    if (input.host_config->privileged && asked.empty()) return std::nullopt;
    if (asked == "builtin") return builtinProfile();
    if (!asked.empty()) return asked;
    if (input.default_seccomp_profile.empty() || input.default_seccomp_profile == "builtin") return builtinProfile();
    if (input.default_seccomp_profile == "unconfined") return std::nullopt;
    auto text = readFile(input.default_seccomp_profile, kLongestProfile);
    if (!text) throw error(Code::invalid, "opening seccomp profile ({}) failed: no such file or directory",
                           input.default_seccomp_profile);
    return text;
}

void buildSeccomp(oci::RuntimeSpec& spec, const SpecInput& input, const SecurityOptions& security) {
    auto profile = seccompProfile(input, security);
    if (!profile) return;
    try {
        (void)json::Document::parse(*profile);
    } catch (const Error& failure) {
        throw error(Code::invalid, "Decoding seccomp profile failed: {}", failure.text());
    }
    spec.os.seccomp = oci::Seccomp{.profile = std::move(*profile)};
}

void buildAppArmor(oci::RuntimeSpec& spec, const SpecInput& input, const SecurityOptions& security) {
    if (input.facts.apparmor) {
        spec.process.apparmor_profile = appArmorProfileOf(*input.host_config);
    } else if (!security.apparmor.empty() && security.apparmor != "unconfined") {
        throw error(Code::invalid, "apparmor: config provided but apparmor not supported");
    }
}

void buildPaths(oci::RuntimeSpec& spec, const SpecInput& input, const SecurityOptions& security) {
    const HostConfig& host = *input.host_config;
    if (host.privileged || security.system_paths_unconfined) return;
    spec.os.masked_paths = host.masked_paths.value_or(maskedPaths());
    spec.os.readonly_paths = host.readonly_paths.value_or(readonlyPaths());
}

}  // namespace

std::string cgroupPath(const std::string& id, const HostConfig& host_config, const std::string& default_parent) {
    std::string parent = host_config.cgroup_parent.empty() ? default_parent : host_config.cgroup_parent;
    while (parent.starts_with('/')) parent.erase(0, 1);
    return parent.empty() ? "/" + id : "/" + parent + "/" + id;
}

oci::RuntimeSpec buildSpec(const SpecInput& input) {
    const SecurityOptions security = parseSecurityOptions(input.host_config->security_opt);
    oci::RuntimeSpec spec;
    spec.root = {.path = input.root_path, .readonly = input.host_config->readonly_rootfs};
    spec.annotations = input.host_config->annotations;
    spec.os.cgroups_path = cgroupPath(input.id, *input.host_config, input.cgroup_parent);
    spec.os.uid_mappings = input.uid_maps;
    spec.os.gid_mappings = input.gid_maps;
    buildProcess(spec, input, security);
    buildNamespaces(spec, input);
    buildMounts(spec, input, security);
    buildDevices(spec, input);
    buildResources(spec, *input.host_config);
    buildSeccomp(spec, input, security);
    buildAppArmor(spec, input, security);
    buildPaths(spec, input, security);
    return spec;
}

oci::Process buildExecProcess(const oci::RuntimeSpec& container, const ExecInput& input) {
    oci::Process process = container.process;
    process.terminal = input.tty;
    process.console_size = input.console_size;
    process.args = input.args;
    if (!input.user.empty()) process.user.username = input.user;
    if (!input.working_dir.empty()) process.cwd = input.working_dir;
    if (input.tty) setVariable(process.env, "TERM=xterm");
    for (const std::string& variable : input.env) setVariable(process.env, variable);
    if (input.privileged) {
        const Strings all = linux::allCapabilities();
        process.capabilities = oci::Capabilities{.bounding = all, .effective = all, .permitted = all};
        if (!process.apparmor_profile.empty()) process.apparmor_profile = "unconfined";
    }
    return process;
}

}  // namespace davit::runtime
