// Ids of a user namespace: container ids stand in archives, host ids on disk. An empty map is the identity.
#pragma once

#include <vector>

#include "base/check.hpp"
#include "driver/storage_driver.hpp"

namespace davit::archive {

/// Throws Error{invalid} for an id that the map doesn't cover.
[[nodiscard]] inline std::uint32_t toHostId(const std::vector<IdMap>& maps, std::uint32_t id) {
    if (maps.empty()) return id;
    for (const IdMap& map : maps)
        if (id >= map.container_id && id - map.container_id < map.size) return map.host_id + (id - map.container_id);
    throw error(Code::invalid, "container id {} has no host id in the map", id);
}

/// The reverse; also Error{invalid}.
[[nodiscard]] inline std::uint32_t toContainerId(const std::vector<IdMap>& maps, std::uint32_t id) {
    if (maps.empty()) return id;
    for (const IdMap& map : maps)
        if (id >= map.host_id && id - map.host_id < map.size) return map.container_id + (id - map.host_id);
    throw error(Code::invalid, "host id {} has no container id in the map", id);
}

}  // namespace davit::archive
