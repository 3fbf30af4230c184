// PluginSettings: what a user has set of a plugin's configuration (`plugin set`). Values; texts are Docker's.
#pragma once

#include "managed/plugin_config.hpp"

namespace davit::managed {

struct PluginSettings {
    std::vector<PluginMount> mounts;
    Strings env;  ///< "NAME=value"
    Strings args;
    std::vector<PluginDevice> devices;

    /// Those of the configuration itself.
    [[nodiscard]] static PluginSettings of(const PluginConfig& config);
    /// "NAME=value" and "name.source=value". Throws Error{invalid} for what isn't there or isn't settable; nothing is changed then.
    void apply(const PluginConfig& config, const Strings& assignments);
};

void writeSettings(json::Writer& out, const PluginSettings& settings);
/// Back from writeSettings(); what isn't there is as the configuration has it.
[[nodiscard]] PluginSettings readSettings(const json::Value& value, const PluginConfig& config);

}  // namespace davit::managed
