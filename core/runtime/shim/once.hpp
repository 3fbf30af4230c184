// The launcher without the monitor, for davit-runtime: one process is started with this process's own standard streams.
#pragma once

#include "runtime/plan.hpp"

namespace davit::shim {

/// Mode::launch: returns when the container waits at its start FIFO. Mode::join: returns when the program has been exec'ed.
/// One protocol::Reply goes to `control`. The exit code of this program.
int launchOnce(const plan::View& view, const plan::Launch& launch, int plan_file, int control);

}  // namespace davit::shim
