// One managed plugin as ManagedPlugins holds it.
#pragma once

#include "managed/managed_plugins.hpp"

namespace davit::managed {

struct ManagedPlugins::Entry {
    Plugin plugin;                    ///< changed by whoever holds `operation`, under the owner's mutex
    std::chrono::seconds timeout{0};  ///< of calls; 0: none
    Mutex operation;                  ///< one operation at a time
    std::unique_ptr<PluginProcess> process;  ///< under `operation`
    bool running = false;                    ///< under the owner's mutex: its program hasn't ended
    bool gone = false;                       ///< under the owner's mutex: it was removed
    std::uint64_t life = 0;                  ///< under the owner's mutex: counts its programs
    bool damaged = false;                    ///< since the daemon's start: its folder makes no sense; it can only be removed
    int failures = 0;                        ///< under the owner's mutex: ends in a row
    std::chrono::steady_clock::time_point started;
};

}  // namespace davit::managed
