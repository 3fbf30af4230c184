// A managed plugin's folder: config.json, rootfs/ and propagated-mount/. Who makes a plugin isn't trusted: what is read here is a regular
// file of the daemon's own, never a link, a pipe, or a file that the plugin's program can reach from its root.
#pragma once

#include <filesystem>

#include "base/byte_stream.hpp"
#include "managed/plugin_config.hpp"

namespace davit::managed {

/// Unpacks the tar of a plugin into the empty directory, synced. Members of the tar beside config.json and rootfs/ are dropped, as Docker
/// does. Throws Error{invalid} for what is no plugin; the directory's content is of no use then.
PluginConfig unpackPlugin(const std::filesystem::path& directory, ByteSource& tar);

/// The configuration of a folder that unpackPlugin() filled. Throws Error{system} when it is gone, or as parseConfig().
[[nodiscard]] PluginConfig readConfig(const std::filesystem::path& directory);

}  // namespace davit::managed
