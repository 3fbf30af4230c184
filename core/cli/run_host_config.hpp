// The HostConfig part of a create request.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "cli/run_options.hpp"
#include "cli/run_ports.hpp"

namespace davit::cli {

/// The --volume flags, sorted out.
struct Volumes {
    std::vector<std::string> binds;      ///< "source:target…"
    std::vector<std::string> anonymous;  ///< "target"
};

/// Writes the members of HostConfig. Throws Error{invalid} with Docker's texts.
void writeHostConfig(json::Writer& out, const RunOptions& options, const FlagSet& flags, const RequestFacts& facts,
                     const Volumes& volumes, const PortRequests& ports);

}  // namespace davit::cli
