// What davit-plugin-check can be pointed at, and the suites for what it finds there.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "plugin_check_progress.hpp"

namespace davit::plugin_check {

struct Options {
    std::string target;
    std::string driver;
    std::string config_json = "{}";
    std::string home;
    std::string rule;
    std::string transport = "both";
    std::vector<std::string> driver_options;  ///< "K=V": of a storage driver, of each network, or of the volume that is to be limited
};

struct Totals {
    int kept = 0;
    int broken = 0;
    int skipped = 0;
};

/// Exit status of a process that couldn't load or reach its target.
inline constexpr int kCannotCheck = 2;

/// Checks every driver of the target over every transport, printing each rule as it is done and telling `progress`. Throws Error when
/// the target can't be loaded or reached.
void checkAll(const Options& options, Totals& totals, Progress& progress);

}  // namespace davit::plugin_check
