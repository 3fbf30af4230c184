// What create refuses and fills in beyond runtime/config_validation.hpp: everything that needs the daemon's options, the
// image or other containers to be judged.
#pragma once

#include <string>
#include <vector>

#include "engine/container_service.hpp"
#include "engine/options.hpp"
#include "image/image_store.hpp"

namespace davit::engine {

/// Throws Error{invalid} or Error{not_found} when an asked-for platform ("os[/arch[/variant]]") isn't the image's; appends a
/// warning when nothing was asked for and the image is another architecture's.
void checkPlatform(const std::string& asked, const std::string& reference, const image::Image& image,
                   std::vector<std::string>& warnings);

/// Modes that exclude each other or other settings: Docker's "conflicting options". On the configuration as the client sent
/// it, before defaults are filled in.
void checkModes(const runtime::ContainerConfig& config, const runtime::HostConfig& host);

/// Throws Error{invalid} for a policy that doesn't exist or can't be together with auto-remove.
void checkRestartPolicy(const runtime::HostConfig& host);

/// Restart policy, auto-remove, log, runtime name, isolation.
void checkHostConfig(const runtime::HostConfig& host, const EngineOptions& options);

/// The daemon's defaults for what the client left open, but for the network.
void fillDefaults(const EngineOptions& options, runtime::HostConfig& host);

/// Path and Args of inspect. Throws Error{invalid} "no command specified".
void setCommand(Container& container);

/// Go's name of this machine's architecture: "amd64", "arm64", …
[[nodiscard]] std::string hostArchitecture();

}  // namespace davit::engine
