// ManagedServer: a plugin server that the daemon itself runs, as the registry needs to know it. Who runs it is core/managed.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "driver/volume_driver.hpp"

namespace davit::plugin {

/// Where what the server calls a path is on the host. Links there, absolute ones too, stay inside, as they are at that moment: a plugin
/// must not mislead the daemon (SEC-63), though it belongs to what is trusted. Values.
struct PathScope {
    std::filesystem::path rootfs;           ///< on the host: the server's "/"
    std::string propagated;                 ///< as the server calls it; empty: none
    std::filesystem::path propagated_host;  ///< where that is on the host: mounts below it are seen there, too

    /// The path without links; nothing when it isn't there. Throws Error{invalid} for a path that isn't absolute or has a ".." component.
    [[nodiscard]] std::optional<std::string> onHost(const std::string& path) const;
};

struct ManagedServer {
    std::string id;    ///< 64 hex digits
    std::string name;  ///< "acme/nfs:1.0"
    bool enabled = false;
    // Of an enabled one:
    std::filesystem::path socket{};
    std::vector<std::string> interfaces{};  ///< it isn't asked for them
    std::chrono::milliseconds timeout{0};   ///< the most that a call may take; 0: as for others
    PathScope scope{};
};

/// The driver with its paths as they are on the host.
[[nodiscard]] std::shared_ptr<VolumeDriver> scopedVolumeDriver(std::shared_ptr<VolumeDriver> driver, PathScope scope);

}  // namespace davit::plugin
