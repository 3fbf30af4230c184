#include "engine/volume_drivers.hpp"

namespace davit::engine {

std::vector<std::string> VolumeDrivers::own() {
    std::vector<std::string> names;
    for (const plugin::DriverInfo& info : registry_.list()) {
        if (info.kind != DriverKind::volume || !isOwn(info.name)) continue;
        if (info.state == plugin::DriverState::available || info.state == plugin::DriverState::loaded) names.push_back(info.name);
    }
    return names;
}

}  // namespace davit::engine
