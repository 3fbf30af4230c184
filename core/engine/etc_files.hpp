// The files that a container finds as /etc/hostname, /etc/hosts and /etc/resolv.conf. Written before each start, so that a
// changed resolver of the host is seen.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "engine/container.hpp"
#include "engine/hosts_extras.hpp"

namespace davit::engine {

/// In --add-host in place of an address: the host, as containers reach it.
inline constexpr std::string_view kHostGateway = "host-gateway";

/// Writes hostname, hosts and resolv.conf into `directory` and fills the container's three paths. `host_network`: the files
/// are the host's own, with the container's additions.
void writeEtcFiles(const std::filesystem::path& directory, bool host_network, Container& container, const HostsExtras& extras);

/// Writes hosts again, of a running container whose addresses have changed. Not for the host's network.
void writeHosts(const std::filesystem::path& directory, const Container& container, const HostsExtras& extras);

// --- public for tests ---
[[nodiscard]] std::string hostsFile(const Container& container, const HostsExtras& extras, std::string_view base);
/// `host` is the host's file. Its resolvers on the loopback are of no use in another network namespace: they are left out
/// unless `host_network`; options and names of the HostConfig replace those of the file.
[[nodiscard]] std::string resolvConf(const runtime::HostConfig& config, std::string_view host, bool host_network);

}  // namespace davit::engine
