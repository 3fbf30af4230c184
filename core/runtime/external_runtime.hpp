// What the daemon prepares so that the shim can have a container started by another OCI runtime (shim/external.hpp): the bundle's
// config.json out of the same spec that the built-in launcher gets, less what that runtime or this host wouldn't take.
//
// In the run directory: "runtime" (path, ID and options, one a line), written before anything else happens; the runtime's own
// state in state/; its messages in *.log. Any thread.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "oci/runtime_spec.hpp"
#include "runtime/shim_client.hpp"

namespace davit::runtime {

/// JSON cut in two where the shim writes the ids of the user that it has looked up in the container's root.
struct SplitJson {
    std::string head;
    std::string tail;
};

struct ExternalLaunch {
    oci::RuntimeSpec spec;  ///< what the shim itself needs of it, to be compiled
    std::string program;    ///< absolute path
    SplitJson config;
};

/// Writes the "runtime" file. Throws Error{invalid} when the runtime isn't found.
[[nodiscard]] ExternalLaunch prepareExternal(const StartRequest& request);

/// True when the container of this directory was started by an external runtime.
[[nodiscard]] bool startedByExternal(const std::filesystem::path& run_dir);

/// The process for the runtime's `exec --process`.
[[nodiscard]] SplitJson externalProcess(oci::Process process);

/// The last error in a log that the runtime wrote; `fallback` when there is none. Removes the log.
[[nodiscard]] std::string takeExternalError(const std::filesystem::path& log, const std::string& fallback);

/// Docker's exit code for a runtime's text: 127 not found, 126 not executable, else 128.
[[nodiscard]] int exitCodeOfText(std::string_view text);

/// After a shim was killed: has the runtime end and forget the container, removes its files. Missing things are fine.
void deleteExternal(const std::filesystem::path& run_dir);

}  // namespace davit::runtime
