// Probe: asks a .so what it is, in a child process. A crash, a hang or a throw in a static constructor costs the child.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "driver/driver.hpp"

namespace davit::plugin {

struct ProbedDriver {
    DriverKind kind = DriverKind::volume;
    std::string name;
    std::string description;
};

/// What a plugin's descriptor says.
struct ProbeResult {
    std::string name;
    std::string version;
    std::string vendor;
    std::string license;
    unsigned abi_major = 0;
    unsigned abi_minor = 0;
    std::vector<ProbedDriver> drivers;
};

/// Runs `host_binary --probe file`. Throws Error{invalid} with the loader's text or how the child ended, Error{deadline}
/// when it takes longer than `timeout`.
[[nodiscard]] ProbeResult probe(const std::filesystem::path& host_binary, const std::filesystem::path& file,
                                std::chrono::milliseconds timeout = std::chrono::seconds(10));

/// The child's side: loads the file, and the JSON that it prints.
[[nodiscard]] std::string describePlugin(const std::filesystem::path& file);

}  // namespace davit::plugin
