// Volume: what the engine knows of a named place for data that outlives containers. Plain values.
//
// A volume's name is unique on the host, whatever its driver. Labels and options of its creation are the engine's; content,
// place and status are the driver's.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "driver/volume_driver.hpp"

namespace davit::volume {

/// The label of volumes that nobody named: `docker volume prune` removes those alone, and a container's end its own.
inline constexpr std::string_view kAnonymousLabel = "com.docker.volume.anonymous";

using Labels = std::map<std::string, std::string>;

struct Volume {
    std::string name;
    std::string driver;
    std::string mountpoint;  ///< as the driver says; empty: it says so when it is mounted
    std::string scope = "local";
    std::string created_at;  ///< RFC 3339; empty: unknown
    Options options;
    Labels labels;
    std::string status_json = "{}";  ///< only after a look at the driver
};

/// What a client or a container asks for.
struct VolumeRequest {
    std::string name;    ///< empty: a random one, and the label of anonymous volumes
    std::string driver;  ///< empty: that of an existing volume of this name, else the default
    Options options;
    Labels labels;
};

/// Throws Error{invalid} for what can't be any driver's: an empty name, one with control characters or with a ".." component, one
/// longer than 255 bytes. What else a name may be is the driver's rule.
void checkName(const std::string& name);

}  // namespace davit::volume
