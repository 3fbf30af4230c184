#include "linux/capability.hpp"

#include <linux/capability.h>
#include <sys/prctl.h>

#include <algorithm>
#include <array>

#include "base/check.hpp"

namespace davit::linux {
namespace {

// The index is the kernel's number (linux/capability.h).
constexpr std::array<std::string_view, 41> kNames = {
    "CAP_CHOWN",           "CAP_DAC_OVERRIDE",     "CAP_DAC_READ_SEARCH", "CAP_FOWNER",           "CAP_FSETID",
    "CAP_KILL",            "CAP_SETGID",           "CAP_SETUID",          "CAP_SETPCAP",          "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST",   "CAP_NET_ADMIN",       "CAP_NET_RAW",          "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",       "CAP_SYS_MODULE",       "CAP_SYS_RAWIO",       "CAP_SYS_CHROOT",       "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",       "CAP_SYS_ADMIN",        "CAP_SYS_BOOT",        "CAP_SYS_NICE",         "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",        "CAP_SYS_TTY_CONFIG",   "CAP_MKNOD",           "CAP_LEASE",            "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",   "CAP_SETFCAP",          "CAP_MAC_OVERRIDE",    "CAP_MAC_ADMIN",        "CAP_SYSLOG",
    "CAP_WAKE_ALARM",      "CAP_BLOCK_SUSPEND",    "CAP_AUDIT_READ",      "CAP_PERFMON",          "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE"};
static_assert(kNames[CAP_SYS_ADMIN] == "CAP_SYS_ADMIN" && kNames[CAP_SETFCAP] == "CAP_SETFCAP" &&
              kNames[CAP_CHECKPOINT_RESTORE] == "CAP_CHECKPOINT_RESTORE");

constexpr std::uint64_t bit(unsigned number) { return std::uint64_t{1} << number; }

constexpr std::uint64_t kDefaultMask =
    bit(CAP_CHOWN) | bit(CAP_DAC_OVERRIDE) | bit(CAP_FSETID) | bit(CAP_FOWNER) | bit(CAP_MKNOD) | bit(CAP_NET_RAW) |
    bit(CAP_SETGID) | bit(CAP_SETUID) | bit(CAP_SETFCAP) | bit(CAP_SETPCAP) | bit(CAP_NET_BIND_SERVICE) |
    bit(CAP_SYS_CHROOT) | bit(CAP_KILL) | bit(CAP_AUDIT_WRITE);
static_assert(kDefaultMask == 0xa80425fb);

std::uint64_t boundingMask() {
    std::uint64_t mask = 0;
    for (unsigned number = 0; number < kNames.size(); ++number)
        if (::prctl(PR_CAPBSET_READ, number, 0, 0, 0) == 1) mask |= bit(number);
    return mask;
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

std::uint64_t maskWithoutAll(const std::vector<std::string>& names) {
    std::uint64_t mask = 0;
    for (const std::string& name : names)
        if (name != "ALL") mask |= capabilityMask({name});
    return mask;
}

}  // namespace

std::optional<unsigned> capabilityNumber(std::string_view name) {
    const auto* found = std::find(kNames.begin(), kNames.end(), name);
    if (found == kNames.end()) return std::nullopt;
    return static_cast<unsigned>(found - kNames.begin());
}

std::string_view capabilityName(unsigned number) {
    return number < kNames.size() ? kNames[number] : std::string_view{};
}

std::uint64_t capabilityMask(const std::vector<std::string>& names) {
    std::uint64_t mask = 0;
    for (const std::string& name : names) {
        const auto number = capabilityNumber(name);
        if (!number) throw error(Code::invalid, "unknown capability: \"{}\"", name);
        mask |= bit(*number);
    }
    return mask;
}

std::vector<std::string> capabilityNames(std::uint64_t mask) {
    std::vector<std::string> names;
    for (unsigned number = 0; number < kNames.size(); ++number)
        if ((mask & bit(number)) != 0) names.emplace_back(kNames[number]);
    return names;
}

std::vector<std::string> allCapabilities() { return capabilityNames(boundingMask()); }
std::vector<std::string> defaultCapabilities() { return capabilityNames(kDefaultMask); }

std::vector<std::string> normalizeCapabilities(const std::vector<std::string>& names) {
    std::vector<std::string> result;
    for (std::string name : names) {
        std::transform(name.begin(), name.end(), name.begin(),
                       [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
        if (name != "ALL") {
            if (!name.starts_with("CAP_")) name.insert(0, "CAP_");
            if (!capabilityNumber(name)) throw error(Code::invalid, "unknown capability: \"{}\"", name);
        }
        result.push_back(std::move(name));
    }
    return result;
}

std::vector<std::string> tweakCapabilities(const std::vector<std::string>& add, const std::vector<std::string>& drop) {
    const std::uint64_t added = maskWithoutAll(add);
    const std::uint64_t dropped = maskWithoutAll(drop);
    std::uint64_t mask = (kDefaultMask & ~dropped) | added;
    if (contains(add, "ALL"))
        mask = boundingMask() & ~dropped;
    else if (contains(drop, "ALL"))
        mask = added;
    return capabilityNames(mask);
}

}  // namespace davit::linux
