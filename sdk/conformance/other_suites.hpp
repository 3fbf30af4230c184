// The rules for volume, network and IPAM drivers: life cycle, repetition, unknown names, bad input, threads, kills.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "conformance/rule.hpp"
#include "driver/ipam_driver.hpp"
#include "driver/network_driver.hpp"
#include "driver/volume_driver.hpp"

namespace davit::conformance {

/// A volume driver. Its mounts must be seen by this process: that is how content is looked at.
struct VolumeTarget {
    std::shared_ptr<VolumeDriver> driver;
    Options options = {};  ///< a limit, of one volume: what the rule about limits makes
    /// Kills the driver's process without warning, from any thread; the next call finds a new one. Empty when it can't be done.
    std::function<void()> kill = {};
};

/// A network driver. Its calls and this process must be in one network namespace: that is where links are looked for.
struct NetworkTarget {
    std::shared_ptr<NetworkDriver> driver;
    std::string options = "{}";  ///< the user's options of every network: a JSON object
    std::function<void()> kill;            ///< as VolumeTarget's
};

struct IpamTarget {
    std::shared_ptr<IpamDriver> driver;
    std::function<void()> kill;  ///< as VolumeTarget's
};

/// Names, users, options, capabilities, limits.
[[nodiscard]] Rules<VolumeTarget> volumeLifeRules();
/// What is in volumes, snapshots, clones and archives.
[[nodiscard]] Rules<VolumeTarget> volumeContentRules();
/// Threads and kills.
[[nodiscard]] Rules<VolumeTarget> volumeStressRules();
/// All of them, in that order.
[[nodiscard]] Rules<VolumeTarget> volumeRules();

/// Networks and endpoints that nobody joins; bad requests.
[[nodiscard]] Rules<NetworkTarget> networkLifeRules();
/// Endpoints in sandboxes.
[[nodiscard]] Rules<NetworkTarget> networkJoinRules();
/// Threads and kills.
[[nodiscard]] Rules<NetworkTarget> networkStressRules();
/// All of them, in that order.
[[nodiscard]] Rules<NetworkTarget> networkRules();

[[nodiscard]] Rules<IpamTarget> ipamPoolRules();
[[nodiscard]] Rules<IpamTarget> ipamAddressRules();
/// Threads and kills.
[[nodiscard]] Rules<IpamTarget> ipamStressRules();
/// All of them, in that order.
[[nodiscard]] Rules<IpamTarget> ipamRules();

}  // namespace davit::conformance
