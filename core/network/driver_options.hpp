// The options that drivers get as JSON, and what they answer.
#pragma once

#include "network/network.hpp"

namespace davit::network {

/// Of CreateNetwork.
[[nodiscard]] JsonOptions networkOptions(const Network& network);
/// The whole request. Gateways travel as CIDR.
[[nodiscard]] CreateNetwork createRequest(const Network& network);
/// Of CreateEndpoint and Join.
[[nodiscard]] JsonOptions endpointOptions(const PortSettings& ports, const Endpoint& endpoint);
/// Of ProgramExternalConnectivity.
[[nodiscard]] JsonOptions portOptions(const PortSettings& ports);
/// What EndpointOperInfo tells of published ports; none when it tells nothing.
[[nodiscard]] std::vector<PortBinding> publishedPorts(const JsonOptions& info);

}  // namespace davit::network
