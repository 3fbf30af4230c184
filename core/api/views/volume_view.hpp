// Volumes as the API shows them.
#pragma once

#include "base/json.hpp"
#include "engine/volume_service.hpp"

namespace davit::api {

/// `status`: with what the driver says of it (inspect).
void writeVolume(json::Writer& out, const volume::Volume& volume, bool status);
/// With UsageData, as GET /system/df has it.
void writeVolumeUsage(json::Writer& out, const engine::VolumeUsageInfo& info);

}  // namespace davit::api
