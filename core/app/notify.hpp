// The message to systemd (or whoever supervises the daemon) of sd_notify(3), without linking libsystemd.
#pragma once

#include <string_view>

namespace davit::app {

/// Sends `state` ("READY=1") to $NOTIFY_SOCKET. Without one, or when it can't be reached, nothing happens.
void notifySupervisor(std::string_view state) noexcept;

}  // namespace davit::app
