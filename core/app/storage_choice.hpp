// Which storage driver the daemon uses: the configured one, else that of the existing store, else among those that say they
// suit this host the one with the highest preference. No driver's name stands here.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "plugin/registry.hpp"

namespace davit::app {

struct StorageRequest {
    std::string configured;               ///< empty: not configured
    std::optional<std::string> existing;  ///< of the store in data_root
    std::filesystem::path directory;      ///< a driver's home is directory/<name>
    std::vector<std::string> options;     ///< "key=value"
};

struct StorageChoice {
    std::string name;
    std::filesystem::path home;
    std::shared_ptr<StorageDriver> driver;  ///< initialised
};

/// Throws Error{not_found} for a driver that isn't there, Error{conflict} when the configured one isn't that of the existing
/// store, Error{unimplemented} "no storage driver suits this host: …" with each driver's reason.
[[nodiscard]] StorageChoice chooseStorage(plugin::DriverRegistry& drivers, const StorageRequest& request);

}  // namespace davit::app
