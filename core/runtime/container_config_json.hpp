// The JSON of container_config.hpp, both ways, as Docker writes it (member names, null for Go's nil, omitted members).
#pragma once

#include <string>

#include "base/json.hpp"
#include "runtime/container_config.hpp"

namespace davit::runtime {

/// Unknown members are ignored, null is the zero value. A wrong type throws Error{invalid}. Accepts an image's config
/// too.
[[nodiscard]] ContainerConfig readContainerConfig(const json::Value& value);
[[nodiscard]] HostConfig readHostConfig(const json::Value& value);
[[nodiscard]] HealthConfig readHealthConfig(const json::Value& value);

/// Writes one JSON object.
void write(json::Writer& out, const ContainerConfig& config);
void write(json::Writer& out, const HostConfig& config);
void write(json::Writer& out, const HealthConfig& config);
void write(json::Writer& out, const Mount& mount);

/// What the state store keeps.
[[nodiscard]] std::string toJson(const ContainerConfig& config);
[[nodiscard]] std::string toJson(const HostConfig& config);

}  // namespace davit::runtime
