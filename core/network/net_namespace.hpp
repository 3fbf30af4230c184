// Network namespaces with a name: a file below <exec-root>/netns on which the namespace is bound. It lives as long as the file
// is mounted, whatever runs in it. And what the controller sets in them: links that a driver left to it, routes.
//
// Threads: any. Nothing here changes the namespace of the caller: what needs to be inside is done on a thread of its own.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/ip.hpp"
#include "base/unique_fd.hpp"
#include "driver/network_driver.hpp"

namespace davit::network {

/// A namespace without a name; it ends with the descriptor. The loopback is up; the sysctls are those that Docker gives a container.
[[nodiscard]] UniqueFd newNamespace();
/// Binds the namespace on `path`, whose directory is made too. Throws Error{system}; nothing is left then.
void bindNamespace(const UniqueFd& name_space, const std::filesystem::path& path);
/// Both.
void makeNamespace(const std::filesystem::path& path);
/// Binds one that is somebody else's, of which `source` is a file ("/proc/1/ns/net"). Interfaces to come get no IPv6 either.
void adoptNamespace(const std::filesystem::path& source, const std::filesystem::path& path);

/// Unbinds and removes the file. What isn't there is fine; throws Error{system} for anything else.
void removeNamespace(const std::filesystem::path& path);

/// The files in the directory that makeNamespace() uses; none when it doesn't exist.
[[nodiscard]] std::vector<std::filesystem::path> namespaceFiles(const std::filesystem::path& directory);

/// Runs `work` on a thread that is in the namespace; what it throws is thrown here.
void inNamespace(const std::filesystem::path& path, const std::function<void()>& work);

/// Whether interfaces that are made in the namespace from now on get IPv6 addresses (disable_ipv6, accept_ra).
void setIpv6(const std::filesystem::path& path, bool enabled);

/// A link of the host's namespace that becomes an interface of the sandbox.
struct LinkMove {
    std::string source;  ///< its name on the host
    std::string name;    ///< its name in the sandbox
    std::string mac_address;
    std::vector<std::string> addresses;  ///< CIDR
};
void moveLink(const std::filesystem::path& path, const LinkMove& move);
/// The other way: down, and with its old name back in the host's namespace. Its addresses are lost. What isn't there is fine.
void returnLink(const std::filesystem::path& path, const std::string& name, const std::string& source);
/// Removes an interface from the namespace; when this returns it is gone. What isn't there is fine.
void removeLink(const std::filesystem::path& path, const std::string& name);

/// Further addresses (CIDR) of an interface in the namespace.
void addAddresses(const std::filesystem::path& path, const std::string& name, const std::vector<std::string>& addresses);

/// The routes that the controller sets. They replace earlier ones to the same destination.
struct RouteChange {
    std::vector<std::pair<std::string, StaticRoute>> routes;  ///< interface and route
    std::string gateway;  ///< default route; empty: none, an earlier one is removed
    std::string gateway_v6;
};
void setRoutes(const std::filesystem::path& path, const RouteChange& change);

}  // namespace davit::network
