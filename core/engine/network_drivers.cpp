#include "engine/network_drivers.hpp"

namespace davit::engine {

void NetworkDrivers::expect(const std::string& name) { registry_.expect(name); }

std::shared_ptr<NetworkDriver> NetworkDrivers::network(const std::string& name) { return registry_.network(name); }

std::shared_ptr<IpamDriver> NetworkDrivers::ipam(const std::string& name) { return registry_.ipam(name); }

std::vector<std::string> NetworkDrivers::ownDrivers(DriverKind kind) {
    std::vector<std::string> names;
    for (const plugin::DriverInfo& info : registry_.list()) {
        if (info.kind != kind || info.isolation == plugin::Isolation::server) continue;
        if (info.state == plugin::DriverState::available || info.state == plugin::DriverState::loaded) names.push_back(info.name);
    }
    return names;
}

}  // namespace davit::engine
