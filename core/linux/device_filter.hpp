// The device rules of a container: as lines for v1's devices.allow and devices.deny, and as a BPF program for cgroup v2.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace davit::linux {

struct DeviceAccessRule {
    bool allow = false;
    char type = 'a';  ///< 'a' both kinds, 'b', 'c'
    std::optional<std::uint32_t> major;
    std::optional<std::uint32_t> minor;
    std::string access = "rwm";
};

/// "c 1:3 rwm"; "a" for everything.
[[nodiscard]] std::string deviceLine(const DeviceAccessRule& rule);

/// The bytes of an array of struct bpf_insn for BPF_PROG_TYPE_CGROUP_DEVICE. Of each right (r, w, m) that is asked for the last
/// rule that names it decides, and all must be allowed; a right that no rule names is refused.
[[nodiscard]] std::string compileDeviceFilter(const std::vector<DeviceAccessRule>& rules);

}  // namespace davit::linux
