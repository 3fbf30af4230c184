// Restart policies: whether a run that has ended is followed by another one, and after how long. Pure.
#pragma once

#include <chrono>

#include "engine/container.hpp"

namespace davit::engine {

/// How often in a row it was started again, and how long the last wait was. Belongs to one container since its last start by a
/// client.
struct RestartCounter {
    int count = 0;
    std::chrono::milliseconds delay{0};
};

/// After the run that `state` tells of has ended by itself.
[[nodiscard]] bool wantsRestart(const runtime::RestartPolicy& policy, const ContainerState& state, int restarts);

/// When the daemon starts and finds it not running, or waiting for its restart. `always` is started again also when a client
/// has stopped it, `unless-stopped` isn't.
[[nodiscard]] bool wantsStartWithDaemon(const runtime::RestartPolicy& policy, const ContainerState& state, int restarts);

/// How long to wait before the next start: 100 ms, then twice the last wait, at most a minute; from the beginning again after a
/// run of ten seconds.
[[nodiscard]] std::chrono::milliseconds nextDelay(const ContainerState& ended, std::chrono::milliseconds last);

}  // namespace davit::engine
