// Networks as Docker's JSON.
#pragma once

#include <vector>

#include "base/json.hpp"
#include "engine/network_service.hpp"

namespace davit::api {

/// One element of GET /networks (without members) and GET /networks/{id}.
void writeNetwork(json::Writer& out, const network::Network& network, const std::vector<engine::NetworkMember>& members);

}  // namespace davit::api
