// NetworkDrivers: the registry of drivers as the network controller sees it.
#pragma once

#include "network/driver_source.hpp"
#include "plugin/registry.hpp"

namespace davit::engine {

class NetworkDrivers final : public network::DriverSource {
  public:
    explicit NetworkDrivers(plugin::DriverRegistry& registry) : registry_(registry) {}
    void expect(const std::string& name) override;
    [[nodiscard]] std::shared_ptr<NetworkDriver> network(const std::string& name) override;
    [[nodiscard]] std::shared_ptr<IpamDriver> ipam(const std::string& name) override;
    [[nodiscard]] std::vector<std::string> ownDrivers(DriverKind kind) override;

  private:
    plugin::DriverRegistry& registry_;
};

}  // namespace davit::engine
