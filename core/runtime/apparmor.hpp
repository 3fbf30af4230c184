// AppArmor for containers: which profile one gets, and the default profile itself, which the kernel is given when it is first
// needed. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "runtime/container_config.hpp"

namespace davit::runtime {

/// Docker's name: tools and policies of the field know it.
inline constexpr std::string_view kDefaultAppArmorProfile = "docker-default";

/// True when the kernel mediates with AppArmor and profiles can be loaded (apparmor_parser is there), as Docker decides it.
[[nodiscard]] bool appArmorSupported();

/// The profile of a container on a host that supports them: what --security-opt apparmor=x says; without it "unconfined" for a
/// privileged one and the default profile else. Throws Error{invalid} for options that can't be parsed.
[[nodiscard]] std::string appArmorProfileOf(const HostConfig& host);

/// The default profile's text, in apparmor.d(5). `daemon_profile`: what confines this process, whose signals containers take.
[[nodiscard]] std::string defaultAppArmorText(std::string_view daemon_profile);

/// Loads the default profile unless the kernel has one of that name: also another engine's, or one that was unloaded
/// meanwhile is noticed. Throws Error when apparmor_parser can't.
void ensureDefaultAppArmorProfile();

}  // namespace davit::runtime
