// /version, /info and the list of drivers as JSON.
#pragma once

#include <vector>

#include "base/json.hpp"
#include "engine/system_service.hpp"

namespace davit::api {

void writeVersion(json::Writer& out, const engine::VersionInfo& version);
void writeInfo(json::Writer& out, const engine::SystemInfo& info);
/// GET /davit/drivers: an array of {Kind, Name, Description, Plugin, Version, File, Transport, Isolation, State,
/// Reason, Generation}.
void writeDrivers(json::Writer& out, const std::vector<plugin::DriverInfo>& drivers);

}  // namespace davit::api
