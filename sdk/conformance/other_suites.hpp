// The rules for volume, network and IPAM drivers: life cycle, repetition, unknown names.
#pragma once

#include <memory>
#include <string>

#include "conformance/rule.hpp"
#include "driver/ipam_driver.hpp"
#include "driver/network_driver.hpp"
#include "driver/volume_driver.hpp"

namespace davit::conformance {

struct VolumeTarget {
    std::shared_ptr<VolumeDriver> driver;
};
struct NetworkTarget {
    std::shared_ptr<NetworkDriver> driver;
};
struct IpamTarget {
    std::shared_ptr<IpamDriver> driver;
};

[[nodiscard]] Rules<VolumeTarget> volumeRules();
[[nodiscard]] Rules<NetworkTarget> networkRules();
[[nodiscard]] Rules<IpamTarget> ipamRules();

}  // namespace davit::conformance
