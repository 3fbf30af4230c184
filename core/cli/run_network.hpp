// --network and its companions: the NetworkingConfig of a create request.
#pragma once

#include <string>

#include "base/json.hpp"
#include "cli/run_options.hpp"

namespace davit::cli {

/// HostConfig.NetworkMode: the first network, or "default".
[[nodiscard]] std::string networkMode(const RunOptions& options);
/// The MAC address asked for on the first network, or "".
[[nodiscard]] std::string firstMacAddress(const RunOptions& options);
/// Writes the member "NetworkingConfig". Throws Error{invalid} for combinations that Docker refuses.
void writeNetworkingConfig(json::Writer& out, const RunOptions& options);

}  // namespace davit::cli
