// A container's /etc/resolv.conf: the host's, with what the client wants instead, for one of three situations.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "network/network.hpp"
#include "runtime/container_config.hpp"

namespace davit::engine {

/// Who answers a container's questions.
enum class Resolving {
    host,     ///< what answers the host's: the container shares its network
    direct,   ///< the servers themselves, asked from the container's namespace
    embedded  ///< the resolver of user-defined networks, which knows the other containers
};

struct ResolvConf {
    std::vector<std::string> servers;
    std::vector<std::string> search;
    std::vector<std::string> options;
    std::vector<std::string> others;  ///< lines that mean nothing here
    bool servers_chosen = false;      ///< by the client

    /// The value of the last option of that name ("ndots:2": "2"); null: there is none.
    [[nodiscard]] const std::string* option(std::string_view name) const;
};

/// The file of the host that says whom to ask. Where systemd's stub is all that it names, the file with the servers behind that.
[[nodiscard]] std::string readHostResolvConf(Resolving resolving);

/// `host`: the text of the host's file.
[[nodiscard]] ResolvConf resolvConf(const runtime::HostConfig& config, std::string_view host);

/// `direct`: servers on the host's loopback are of no use and left out, unless the client chose them, and so are IPv6 ones without
/// `has_ipv6`; without any it gets Docker's public ones. `embedded`: the resolver's address, and "ndots:0" unless another is set.
[[nodiscard]] std::string render(const ResolvConf& conf, Resolving resolving, bool has_ipv6);

/// Whom the embedded resolver asks.
[[nodiscard]] network::NameServers nameServers(const ResolvConf& conf);

}  // namespace davit::engine
