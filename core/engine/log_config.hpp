// The log of a container: HostConfig.LogConfig checked, and translated for the shim. Drivers: json-file and none.
#pragma once

#include <filesystem>

#include "engine/options.hpp"
#include "runtime/container_config.hpp"
#include "runtime/shim_client.hpp"

namespace davit::engine {

/// Throws Error{invalid} with Docker's texts for an unknown driver or option, or a bad value.
void checkLogConfig(const runtime::LogConfig& log);

/// The same for the daemon's defaults.
void checkLogDefaults(const EngineOptions& options);

/// `path`: where a json-file goes.
[[nodiscard]] runtime::LogOptions logOptions(const runtime::LogConfig& log, const runtime::ContainerConfig& config,
                                             const std::filesystem::path& path);

/// "10m" → bytes; units b k m g t p, each 1024 of the one before; "-1" is unlimited. Throws Error{invalid}.
[[nodiscard]] std::int64_t parseSize(std::string_view text);

}  // namespace davit::engine
