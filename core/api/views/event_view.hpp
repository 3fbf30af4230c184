// Events as lines of JSON.
#pragma once

#include <string>

#include "engine/event_log.hpp"

namespace davit::api {

/// One line of GET /events. `legacy`: with status, id and from of containers and images, which API 1.52 has dropped.
[[nodiscard]] std::string eventLine(const engine::Event& event, bool legacy);

}  // namespace davit::api
