// The default network: that of containers that name none, as the configuration wants it.
#pragma once

#include <optional>

#include "app/daemon_config.hpp"
#include "network/network.hpp"

namespace davit::app {

/// std::nullopt: there is none ("bridge": "none"). A bridge that the configuration names is the administrator's: it must exist, and
/// its addresses are the network's; Error{not_found} "bridge device with non default name x must be created manually".
[[nodiscard]] std::optional<network::NetworkConfig> standardNetwork(const DaemonConfig& config);

/// The configuration sections of drivers, with what Docker's keys say to some of them. What a section says itself stays.
[[nodiscard]] std::map<std::string, plugin::DriverSection, std::less<>> driverSections(const DaemonConfig& config);

}  // namespace davit::app
