// What the controller knows of networks, endpoints and sandboxes: plain values. Names and units are Docker's.
//
//     network    a driver's network with its address pools
//     endpoint   one container's place on one network: addresses, MAC, interface
//     sandbox    the network namespace of one run of a container, with its endpoints
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/ip.hpp"
#include "driver/network_driver.hpp"

namespace davit::network {

/// One pool: as a client asked for it (anything may be empty), or as it was assigned (`subnet` is set then).
struct IpamPool {
    std::string subnet;    ///< CIDR
    std::string ip_range;  ///< CIDR within `subnet` that addresses are chosen from
    std::string gateway;   ///< plain IP; empty: none, or not chosen yet
    std::map<std::string, std::string> aux_addresses;  ///< name -> plain IP that no container gets
    friend bool operator==(const IpamPool&, const IpamPool&) = default;
};

struct IpamConfig {
    std::string driver;  ///< empty: the controller's default
    Options options;
    std::vector<IpamPool> pools;
    friend bool operator==(const IpamConfig&, const IpamConfig&) = default;
};

/// What a client asks for.
struct NetworkConfig {
    std::string name;
    std::string driver;
    std::map<std::string, std::string> labels;
    Options options;  ///< the driver's
    IpamConfig ipam;
    bool internal = false;
    bool attachable = false;
    bool enable_ipv4 = true;
    bool enable_ipv6 = false;
    bool config_only = false;  ///< no network, but what others may be made of
    std::string config_from;   ///< the name of the one that this network is made of
    friend bool operator==(const NetworkConfig&, const NetworkConfig&) = default;
};

/// A pool that an IPAM driver handed out.
struct AssignedPool {
    IpFamily family = IpFamily::v4;
    std::string id;  ///< the IPAM driver's
    std::string address_space;
    IpamPool pool;
};

struct Network {
    std::string id;  ///< 64 hex digits
    SystemTime created;
    NetworkConfig config;
    std::vector<AssignedPool> pools;
    bool predefined = false;
    bool host_namespace = false;  ///< its driver's, see NetworkCapabilities
    bool no_interface = false;

    /// Containers on it get a sandbox with an endpoint.
    [[nodiscard]] bool hasEndpoints() const noexcept { return !host_namespace && !no_interface; }
    /// Its containers find each other by name.
    [[nodiscard]] bool hasNames() const noexcept { return !predefined && hasEndpoints(); }
    [[nodiscard]] bool hasFamily(IpFamily family) const noexcept;
};

/// How a client wants one endpoint.
struct EndpointConfig {
    std::string ipv4_address;  ///< plain IP; empty: any
    std::string ipv6_address;
    std::vector<std::string> link_local_addresses;
    std::string mac_address;
    std::vector<std::string> links;
    std::vector<std::string> aliases;
    std::map<std::string, std::string> driver_opts;
    int gateway_priority = 0;
    friend bool operator==(const EndpointConfig&, const EndpointConfig&) = default;
};

/// Sets those of `changes` in `options`, and removes those that are empty.
void changeOptions(std::map<std::string, std::string>& options, const std::map<std::string, std::string>& changes);

struct Port {
    std::string protocol = "tcp";  ///< tcp, udp, sctp
    std::uint16_t number = 0;
    auto operator<=>(const Port&) const = default;
    /// "80/tcp"
    [[nodiscard]] std::string text() const;
    /// "80", "80/udp"; throws Error{invalid} "invalid containerPort: x".
    [[nodiscard]] static Port parse(std::string_view text);
};

/// A published port: wanted (host ports of 0: any free one), or as the driver made it.
struct PortBinding {
    Port port;
    std::string host_ip;
    std::uint16_t host_port = 0;
    std::uint16_t host_port_end = 0;
};

struct PortSettings {
    std::vector<Port> exposed;
    std::vector<PortBinding> bindings;
};

struct Endpoint {
    enum class Phase { creating, attached, removing };
    std::string id;
    std::string network_id;
    std::string network_name;
    EndpointConfig config;
    Phase phase = Phase::creating;
    std::vector<std::string> dns_names;  ///< by which others on a user-defined network find it
    std::string interface_name;  ///< in the sandbox
    std::string host_link;       ///< its name on the host, when the driver left the link to the controller
    std::string address;         ///< CIDR
    std::string pool_id;
    std::string address_v6;  ///< CIDR
    std::string pool_id_v6;
    std::string mac_address;
    std::string gateway;  ///< plain IP that the driver named; empty on internal networks
    std::string gateway_v6;
    std::vector<StaticRoute> routes;
    bool external = false;            ///< external connectivity is programmed here
    std::vector<PortBinding> ports;  ///< then: what is published
};

/// What a sandbox's resolver asks for names that aren't those of containers.
struct NameServers {
    std::vector<std::string> addresses;  ///< plain IPs, perhaps with a zone
    bool chosen = false;                 ///< by the client: as seen from the container
    bool ndots_set = false;
};

struct Sandbox {
    std::string id;  ///< 64 hex digits
    std::string container_id;
    std::string container_name;
    std::string key;  ///< path of the namespace's file
    PortSettings ports;
    std::vector<Endpoint> endpoints;
    NameServers name_servers;
    bool resolver = false;  ///< it has one at 127.0.0.11, for the rest of its life
    bool ending = false;  ///< its run is over; what is left of it is being removed

    [[nodiscard]] Endpoint* find(std::string_view network_id) noexcept;
    /// The endpoint whose gateway is the sandbox's: of those with one the highest priority, then the first name. Null: none.
    [[nodiscard]] Endpoint* gatewayEndpoint() noexcept;
    [[nodiscard]] const Endpoint* gatewayEndpoint() const noexcept { return const_cast<Sandbox*>(this)->gatewayEndpoint(); }
};

}  // namespace davit::network
