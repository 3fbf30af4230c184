// DriverSource: where the controller finds its drivers by name. The daemon's is a view of plugin::DriverRegistry.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "driver/ipam_driver.hpp"
#include "driver/network_driver.hpp"

namespace davit::network {

class DriverSource {
  public:
    virtual ~DriverSource() = default;
    /// A network needs the drivers of that name: they are waited for when they start late.
    virtual void expect(const std::string& name) = 0;
    /// Throw Error{not_found} `plugin "NAME" not found`. Any thread.
    [[nodiscard]] virtual std::shared_ptr<NetworkDriver> network(const std::string& name) = 0;
    [[nodiscard]] virtual std::shared_ptr<IpamDriver> ipam(const std::string& name) = 0;
    /// The drivers that belong to this daemon: asking one of them doesn't wait for somebody else's server.
    [[nodiscard]] virtual std::vector<std::string> ownDrivers(DriverKind kind) = 0;
};

}  // namespace davit::network
