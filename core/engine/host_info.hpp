// What /info says of the host: read from /proc, /sys and uname; nothing is kept. Threads: any.
#pragma once

#include "engine/system_service.hpp"

namespace davit::engine {

/// Kernel, operating system, memory, processors, host name, forwarding.
void describeHost(SystemInfo& info);
/// The limits that this host's control groups can apply, and the warnings for those they can't.
void describeCgroups(SystemInfo& info);
[[nodiscard]] std::string kernelVersion();
/// Random at each boot of the machine.
[[nodiscard]] std::string bootId();

}  // namespace davit::engine
