// The pair of links that connects a sandbox with a bridge.
#pragma once

#include <string>
#include <vector>

#include "bridge_options.hpp"
#include "common/interface.hpp"
#include "endpoint.hpp"

namespace davit::bridge {

struct Attachment {
    const Network& network;
    const Endpoint& endpoint;  ///< its `interface` is the name that the link gets in the sandbox
    std::string sandbox;       ///< path of the network namespace
    std::vector<InterfaceSetting> settings;
};

/// Makes the pair, addresses and raises it. When it returns the first packet gets through. Nothing is left of it on failure.
void attach(const Attachment& attachment);

/// For an engine that makes the sandbox later, as dockerd does: leaves the container's end of the pair on the host, for the engine to
/// move, address and raise. Its name is the endpoint's looseLink().
void attachLoose(const Attachment& attachment);

/// Sets the limits of an endpoint that is joined. Throws Error{system}.
void limitRates(const Endpoint& endpoint);

/// Makes the host's end a port of the bridge again, which is new.
void makePort(const Network& network, const Endpoint& endpoint, int bridge);

/// Removes the pairs of these links, which takes tens of milliseconds for one as for many. Missing ones are no error.
void detachAll(const std::vector<std::string>& host_links);

}  // namespace davit::bridge
