// Samples of what a container uses, as lines of JSON.
#pragma once

#include <string>

#include "engine/container_stats.hpp"

namespace davit::api {

/// Docker's object of `now` with the processor times of `before` beside it; `before` may be empty.
[[nodiscard]] std::string statsLine(const engine::ContainerStats& now, const engine::ContainerStats& before);

}  // namespace davit::api
