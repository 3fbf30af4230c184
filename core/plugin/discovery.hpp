// Discovery: finds plugin servers by their socket and spec files, in the order that Docker documents.
//
// For a name N: N.sock and N/N.sock in each socket directory, then N.spec, N/N.spec, N.json, N/N.json in each spec
// directory; the first hit wins. Nothing is opened or called here. Any thread.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/server_address.hpp"

namespace davit::plugin {

/// Where foreign servers are found. Earlier directories win; a socket beats a spec file.
struct DiscoveryPaths {
    std::vector<std::filesystem::path> socket_directories = {"/run/davit/plugins", "/run/docker/plugins"};
    std::vector<std::filesystem::path> spec_directories = {"/etc/davit/plugins", "/usr/lib/davit/plugins",
                                                           "/etc/docker/plugins", "/usr/lib/docker/plugins"};
};

struct ServerFile {
    std::string name;
    std::filesystem::path file;    ///< the socket, .spec or .json
    std::uint64_t inode = 0;       ///< with modified_ns: tells a file that was made anew
    std::int64_t modified_ns = 0;
    bool operator==(const ServerFile&) const = default;
};

/// The file for one name; std::nullopt when there is none. Names with a slash, "." or ".." have none.
[[nodiscard]] std::optional<ServerFile> findServer(const DiscoveryPaths& paths, std::string_view name);

/// All of them, by name. Missing directories are empty ones.
[[nodiscard]] std::map<std::string, ServerFile, std::less<>> findServers(const DiscoveryPaths& paths);

/// What the file says. Throws Error{invalid} for its content, Error::system when it can't be read.
[[nodiscard]] ServerAddress addressOf(const ServerFile& server);

}  // namespace davit::plugin
