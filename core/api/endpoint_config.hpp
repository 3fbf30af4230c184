// EndpointSettings of a request body.
#pragma once

#include "base/json.hpp"
#include "network/network.hpp"

namespace davit::api {

/// Reads what a client may ask of an endpoint; null is nothing. Throws Error{invalid} for values of another type.
[[nodiscard]] network::EndpointConfig readEndpoint(const json::Value& value);

}  // namespace davit::api
