// The command line of davit-runtime: the verbs and flags that callers of OCI runtimes use (containerd, cri-o, podman).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace davit::runtime {

/// Runs one command line (without the program's name); returns the exit code. Failures are told on standard error and, in
/// the form asked for, in the file of --log. `shim` is davit-shim's path.
int runOciCommand(const std::vector<std::string>& args, const std::filesystem::path& shim);

}  // namespace davit::runtime
