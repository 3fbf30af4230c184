// Addresses: what networks and endpoints get from their IPAM drivers, and give back.
//
// Nothing is remembered here: the assigned values are in Network and Endpoint. Threads: any.
#pragma once

#include "network/driver_source.hpp"
#include "network/network.hpp"

namespace davit::network {

class Addresses {
  public:
    explicit Addresses(DriverSource& drivers) : drivers_(drivers) {}

    /// Requests the network's pools, gateways and auxiliary addresses and fills network.pools. When it throws, what was
    /// requested has been given back. `skip`: the families whose gateway the network's driver doesn't want reserved.
    void assignPools(Network& network, const GatewayAllocation& skip);
    /// Never throws: a fault is logged, the other pools are still given back.
    void releasePools(const Network& network) noexcept;
    /// True when the network's IPAM driver forgets everything at a restart; then what is in use has to be requested again.
    [[nodiscard]] bool needsReplay(const Network& network);
    /// Requests the pools again as they were assigned. Throws when the driver gives something else.
    void replayPools(const Network& network);

    /// Fills the endpoint's addresses (and its MAC, for an IPAM driver that needs one) from its configuration. Throws
    /// Error{conflict} for an address that is taken.
    void assign(const Network& network, Endpoint& endpoint);
    /// Requests the endpoint's addresses again.
    void replay(const Network& network, const Endpoint& endpoint);
    /// Never throws.
    void release(const Network& network, const Endpoint& endpoint) noexcept;

  private:
    void assignPool(Network& network, IpFamily family, const IpamPool& asked, bool want_gateway);
    [[nodiscard]] Pool requestFreePool(IpamDriver& driver, PoolRequest request);
    void assignFamily(const Network& network, IpFamily family, Endpoint& endpoint, IpamDriver& driver);
    [[nodiscard]] std::shared_ptr<IpamDriver> driverOf(const Network& network);
    DriverSource& drivers_;
};

/// Checks what a client wrote as IPAM configuration; throws Error{invalid} with Docker's texts.
void checkIpamConfig(const NetworkConfig& config);

/// Checks the addresses that a client wants for an endpoint of this network; throws Error{invalid} with Docker's texts.
void checkEndpointConfig(const Network& network, const EndpointConfig& config);

}  // namespace davit::network
