// The files that a container finds as /etc/hostname, /etc/hosts and /etc/resolv.conf. Written before each start, so that a
// changed resolver of the host is seen.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "engine/container.hpp"
#include "engine/hosts_extras.hpp"
#include "engine/resolv_conf.hpp"

namespace davit::engine {

/// In --add-host in place of an address: the host, as containers reach it.
inline constexpr std::string_view kHostGateway = "host-gateway";

/// Writes hostname, hosts and resolv.conf into `directory` and fills the container's three paths. On the host's network the
/// files are the host's own, with the container's additions.
void writeEtcFiles(const std::filesystem::path& directory, Resolving resolving, Container& container, const HostsExtras& extras);

/// Writes hosts again, of a running container whose addresses have changed. Not for the host's network.
void writeHosts(const std::filesystem::path& directory, const Container& container, const HostsExtras& extras);

/// Makes resolv.conf name the embedded resolver, of a running container that has got it meanwhile. One that the container has
/// changed stays as it is.
void updateResolvConf(const std::filesystem::path& directory, const Container& container);

// --- public for tests ---
[[nodiscard]] std::string hostsFile(const Container& container, const HostsExtras& extras, std::string_view base);

}  // namespace davit::engine
