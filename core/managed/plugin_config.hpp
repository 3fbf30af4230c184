// PluginConfig: what a managed plugin's config.json says. Values. Members are those of Docker's PluginConfig; keys are matched in any
// case, as Docker does.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace davit::managed {

using Strings = std::vector<std::string>;

struct PluginMount {
    std::string name, description, source, destination, type;
    Strings options;
    Strings settable;
};
struct PluginEnv {
    std::string name, description, value;
    Strings settable;
};
struct PluginDevice {
    std::string name, description, path;
    Strings settable;
};
struct PluginArgs {
    std::string name, description;
    Strings value;
    Strings settable;
};

struct PluginConfig {
    std::string description, documentation;
    Strings types;  ///< "docker.volumedriver/1.0"
    std::string socket;
    std::string protocol_scheme;
    Strings entrypoint;
    std::string work_dir;
    std::int64_t uid = 0, gid = 0;  ///< shown only: a plugin's program runs as root, in Docker too
    std::string network;  ///< "", "none", "bridge", "host"; only "host" means something
    std::vector<PluginMount> mounts;
    std::string propagated_mount;
    bool ipc_host = false;
    bool pid_host = false;
    std::vector<PluginEnv> env;
    PluginArgs args;
    Strings capabilities;
    bool allow_all_devices = false;
    std::vector<PluginDevice> devices;

    /// The interfaces of the wire that its types stand for: "VolumeDriver", …
    [[nodiscard]] Strings interfaces() const;
    /// Whether one of its types is "docker.<capability>/…".
    [[nodiscard]] bool offers(std::string_view capability) const;
};

/// Throws Error{invalid} for what is no config.json, has no entrypoint, or says something that can't be.
[[nodiscard]] PluginConfig parseConfig(std::string_view json);
/// As the API shows it.
void writeConfig(json::Writer& out, const PluginConfig& config);
void writeMount(json::Writer& out, const PluginMount& mount);
void writeDevice(json::Writer& out, const PluginDevice& device);

}  // namespace davit::managed
