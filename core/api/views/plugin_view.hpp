// Managed plugins as the API shows them.
#pragma once

#include "base/json.hpp"
#include "managed/managed_plugins.hpp"

namespace davit::api {

void writePlugin(json::Writer& out, const managed::Plugin& plugin);

}  // namespace davit::api
