#include "plugin/transport.hpp"

#include <array>

namespace davit::plugin {
namespace {

using namespace std::chrono_literals;

struct Limit {
    std::string_view prefix;  // the first that fits wins
    std::chrono::milliseconds timeout;
};

// Storage methods that walk a whole tree or delete one get what a slow disk needs. Questions are shorter than Docker's minute:
// who lists volumes waits for all drivers.
constexpr std::array kLimits{
    Limit{"VolumeDriver.Create", 120s},      Limit{"VolumeDriver.Mount", 120s},
    Limit{"VolumeDriver.Export", 300s},      Limit{"VolumeDriver.Import", 300s},
    Limit{"VolumeDriver.Clone", 600s},       Limit{"VolumeDriver.Snapshot", 600s},
    Limit{"VolumeDriver.List", 2s},          Limit{"VolumeDriver.Get", 10s},
    Limit{"VolumeDriver.Path", 10s},         Limit{"VolumeDriver.Capabilities", 2s},
    Limit{"VolumeDriver.", 60s},             Limit{"Plugin.Activate", 10s},
    Limit{"GraphDriver.Diff", 600s},         Limit{"GraphDriver.ApplyDiff", 600s},
    Limit{"GraphDriver.Init", 120s},         Limit{"GraphDriver.Create", 600s},
    Limit{"GraphDriver.Remove", 600s},       Limit{"GraphDriver.Changes", 600s},
    Limit{"GraphDriver.Usage", 600s},        Limit{"GraphDriver.Clone", 600s},
    Limit{"GraphDriver.Cleanup", 600s},      Limit{"GraphDriver.", 60s},
};

}  // namespace

std::chrono::milliseconds methodTimeout(std::string_view method) {
    for (const Limit& limit : kLimits)
        if (method.starts_with(limit.prefix)) return limit.timeout;
    return 30s;
}

}  // namespace davit::plugin
