// The host's own link on a network, for networks with "davit.host_access": a parent never talks to the links on top of it, but a link
// beside them does. It has a route to each endpoint and to nothing else, so the host's other traffic goes its old way.
#pragma once

#include "endpoint.hpp"
#include "kind.hpp"
#include "network.hpp"

namespace davit::parent_link {

/// Throws Error{invalid} when the host has no address to talk from in one of the network's subnets: neither an auxiliary address
/// "host", nor one of the parent's own.
void checkHostAddresses(const Kind& kind, const Network& network);

/// Makes the link, or what is missing of it. `parent` is the index of the network's parent.
void setUpHostLink(const Kind& kind, const Network& network, int parent);
/// One that isn't there is no error, one of that name that isn't ours stays.
void removeHostLink(const Kind& kind, const Network& network);

/// Nothing for networks without host access. A route that is there already is no error, and one that is gone isn't either.
void addHostRoutes(const Kind& kind, const Network& network, const Endpoint& endpoint);
void removeHostRoutes(const Kind& kind, const Network& network, const Endpoint& endpoint);

}  // namespace davit::parent_link
