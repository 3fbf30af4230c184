// JSON of values that both the rows here and the engine's rows keep.
#pragma once

#include "base/json.hpp"
#include "network/network.hpp"

namespace davit::network {

void write(json::Writer& out, const EndpointConfig& config);
[[nodiscard]] EndpointConfig readEndpointConfig(const json::Value& value);

}  // namespace davit::network
