// Ports of containers and where on the host they are published.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.hpp"
#include "base/json.hpp"

namespace davit::bridge {

enum class Protocol : std::uint8_t { tcp = 6, udp = 17, sctp = 132 };

/// "tcp", "udp", "sctp".
[[nodiscard]] std::string_view protocolName(Protocol protocol);

/// What a caller wants: host_port 0 is any free one, else one between it and host_port_end.
struct PortRequest {
    Protocol protocol = Protocol::tcp;
    std::uint16_t port = 0;            ///< in the container
    std::optional<IpAddress> host_ip;  ///< std::nullopt: all addresses of both families
    std::uint16_t host_port = 0;
    std::uint16_t host_port_end = 0;
};

/// What it got. `container` is of the family of `host`, or IPv4 behind an IPv6 host address.
struct PublishedPort {
    Protocol protocol = Protocol::tcp;
    IpAddress container;
    std::uint16_t port = 0;
    IpAddress host;  ///< unspecified: every address of its family
    std::uint16_t host_port = 0;
    bool direct = false;  ///< on the container's own address, without a port of the host

    bool operator==(const PublishedPort&) const noexcept = default;
    /// Whether connections from this host to itself must be let through to the bridge.
    [[nodiscard]] bool reachesLoopback() const noexcept;
    /// Whether the packet filter leads packets to the container.
    [[nodiscard]] bool translated() const noexcept;
    /// Whether some of what comes to it can only be carried by a process: to [::1], or from one family to the other.
    [[nodiscard]] bool carried() const noexcept;
};

/// Of the option "com.docker.network.portmap": a JSON list. Throws Error{invalid} naming what is wrong.
[[nodiscard]] std::vector<PortRequest> readPortMap(const std::string& json);

/// The same list with what was chosen, as EndpointOperInfo answers it and the state keeps it.
[[nodiscard]] std::string toJson(const std::vector<PublishedPort>& ports);
[[nodiscard]] std::vector<PublishedPort> publishedPorts(json::Value list);

}  // namespace davit::bridge
