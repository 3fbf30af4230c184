#include "runtime/apparmor.hpp"

#include <unistd.h>

#include <array>
#include <chrono>
#include <mutex>

#include "base/check.hpp"
#include "base/file.hpp"
#include "base/process.hpp"
#include "linux/memfd.hpp"
#include "runtime/security_options.hpp"

namespace davit::runtime {
namespace {

constexpr const char* kLoadedProfiles = "/sys/kernel/security/apparmor/profiles";
constexpr std::chrono::seconds kParserPatience{60};  // it compiles; an emulated processor takes seconds

// What a container may do is bounded by capabilities, namespaces, seccomp and masked paths first: the profile is the second fence
// around what the kernel shows of the host, and the only one against mount(2) when CAP_SYS_ADMIN was added. Files, sockets,
// capabilities and unmounting are left to the others.
constexpr std::string_view kHead = R"(
profile docker-default flags=(attach_disconnected, mediate_deleted) {
  file,
  network,
  capability,
  umount,
  deny mount,

  # Tracing stays inside; signals come from the host and from inside.
  ptrace (trace, read, tracedby, readby) peer=docker-default,
  signal (send, receive) peer=docker-default,
  signal (receive) peer=unconfined,
)";

// A glob can only exclude characters: each alternative takes the names that differ from the excepted ones one letter later.
constexpr std::string_view kTail = R"(
  # Of /proc only processes and the System V limits of the own ipc namespace can be written.
  deny /proc/* w,
  deny /proc/{[^1-9s],s[^y],sy[^s],sys?}*/** w,
  deny /proc/sys/{[^k],k[^e]}** w,
  deny /proc/sys/kernel/{[^s],s[^he],sh[^m],se[^m]}** w,
  deny /proc/{sysrq-trigger,kcore} rwklx,

  # Of /sys only the control groups can be written; what tells of firmware, power and security modules is out of reach.
  deny /sys/{[^f],f[^s],fs/[^c],fs/c[^g],fs/cg[^r]}** wklx,
  deny /sys/{firmware,devices/virtual/powercap,kernel/security}/** rwklx,
}
)";

std::optional<std::string> findParser() {
    for (const char* path : {"/usr/sbin/apparmor_parser", "/sbin/apparmor_parser"})
        if (::access(path, X_OK) == 0) return path;
    return std::nullopt;
}

/// "name (enforce)" becomes "name".
std::string ownProfile() {
    std::string text = readFile("/proc/self/attr/current").value_or("unconfined");
    return text.substr(0, text.find_first_of(" \n"));
}

bool isLoaded() {
    const std::string profiles = "\n" + readFile(kLoadedProfiles, std::size_t{16} << 20).value_or("");
    return profiles.find("\n" + std::string(kDefaultAppArmorProfile) + " (") != std::string::npos;
}

void load() {
    const std::optional<std::string> parser = findParser();
    if (!parser) throw error(Code::system, "load the apparmor profile {}: apparmor_parser is missing", kDefaultAppArmorProfile);
    const UniqueFd text = linux::sealedMemory("apparmor-profile", defaultAppArmorText(ownProfile()));
    // Without its cache of compiled profiles (-K): the text comes from no file.
    ChildProcess child = ChildProcess::spawn({.program = *parser,
                                              .args = {"apparmor_parser", "-Kr"},
                                              .env = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"},
                                              .stdin_fd = text.get(),
                                              .inherit = {}});
    const std::optional<ExitStatus> status = child.wait(kParserPatience);
    if (!status || status->dockerCode() != 0)
        throw error(Code::system, "load the apparmor profile {}: apparmor_parser {}", kDefaultAppArmorProfile,
                    status ? fmt::format("ended with {}", status->dockerCode()) : "did not end");
}

}  // namespace

bool appArmorSupported() {
    return readFile("/sys/module/apparmor/parameters/enabled").value_or("N").starts_with('Y') &&
           ::access(kLoadedProfiles, R_OK) == 0 && findParser().has_value();
}

std::string appArmorProfileOf(const HostConfig& host) {
    std::string asked = parseSecurityOptions(host.security_opt).apparmor;
    if (!asked.empty()) return asked;
    return host.privileged ? "unconfined" : std::string(kDefaultAppArmorProfile);
}

std::string defaultAppArmorText(std::string_view daemon_profile) {
    std::string text(kHead);
    if (!daemon_profile.empty() && daemon_profile != "unconfined")
        text += fmt::format("  signal (receive) peer=\"{}\",\n", daemon_profile);
    return text += kTail;
}

void ensureDefaultAppArmorProfile() {
    if (isLoaded()) return;
    static std::mutex loading;  // one parser is enough for containers that start at once
    const std::lock_guard lock(loading);
    if (!isLoaded()) load();
}

}  // namespace davit::runtime
