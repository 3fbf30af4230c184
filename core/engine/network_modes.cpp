#include "engine/network_modes.hpp"

#include "base/check.hpp"
#include "oci/digest.hpp"

namespace davit::engine {

std::string_view containerOfMode(std::string_view mode) {
    constexpr std::string_view kPrefix = "container:";
    return mode.starts_with(kPrefix) ? mode.substr(kPrefix.size()) : std::string_view();
}

std::string defaultNetworkMode(std::string_view mode) {
    return mode.empty() || mode == "default" ? "none" : std::string(mode);
}

NetworkModes::Network NetworkModes::find(const std::string& name) {
    const bool host = name == "host";
    if (!host && name != "none") throw error(Code::not_found, "network {} not found", name);
    Network network;
    network.driver = driverOf(host);
    if (network.driver.empty()) throw error(Code::not_found, "network {} not found: no driver for it is loaded", name);
    network.host_namespace = host;
    // Predefined, so its id needs no store: the same on every host and after every restart.
    network.id = std::string(oci::digestHex(oci::sha256("davit predefined network " + name)));
    return network;
}

std::string NetworkModes::driverOf(bool host_namespace) {
    {
        const Lock lock(mutex_);
        const std::string& known = host_namespace ? host_driver_ : none_driver_;
        if (!known.empty()) return known;
    }
    for (const plugin::DriverInfo& info : drivers_.list()) {
        // Only what is loaded into this daemon or supervised by it: asking a foreign server here could take seconds.
        if (info.kind != DriverKind::network || info.isolation == plugin::Isolation::server) continue;
        if (info.state != plugin::DriverState::available && info.state != plugin::DriverState::loaded) continue;
        const NetworkCapabilities can = drivers_.network(info.name)->capabilities();
        if (host_namespace ? !can.host_namespace : !can.no_interface) continue;
        const Lock lock(mutex_);
        return (host_namespace ? host_driver_ : none_driver_) = info.name;
    }
    return {};
}

}  // namespace davit::engine
