// A mount point in a container's row: everything that a restart can't find out again. Pure.
#pragma once

#include "base/json.hpp"
#include "runtime/mount_point.hpp"

namespace davit::engine {

void writeMountPoint(json::Writer& out, const runtime::MountPoint& mount);
/// Throws Error{invalid} for what it can't read.
[[nodiscard]] runtime::MountPoint readMountPoint(const json::Value& value);

}  // namespace davit::engine
