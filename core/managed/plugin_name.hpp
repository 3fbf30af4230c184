// Names of managed plugins: references like those of images, in Docker's familiar form and always with a tag. Pure functions.
#pragma once

#include <optional>
#include <string>

namespace davit::managed {

/// The name under which a plugin is kept: "acme/nfs:latest" of "docker.io/acme/nfs". Throws Error{invalid} `failed to parse reference
/// x: …`, and "canonical references are not permitted" for one with a digest.
[[nodiscard]] std::string pluginName(const std::string& text);
/// The same; nothing for what can't name a plugin.
[[nodiscard]] std::optional<std::string> tryPluginName(const std::string& text);

}  // namespace davit::managed
