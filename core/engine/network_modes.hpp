// What HostConfig.NetworkMode says beside the name of a network.
#pragma once

#include <string_view>

namespace davit::engine {

/// "container:<ref>" → ref; empty for every other mode.
[[nodiscard]] std::string_view containerOfMode(std::string_view mode);

/// Nothing and "default" stand for the daemon's default network.
[[nodiscard]] bool isDefaultMode(std::string_view mode);

}  // namespace davit::engine
