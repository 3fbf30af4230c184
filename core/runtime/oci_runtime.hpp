// The operations of an OCI runtime (create, start, state, kill, delete, exec, pause, resume, list) over a state directory, for davit-runtime.
//
// Per container <root>/<id>/: state.json, the start FIFO, the compiled seccomp filter. Nothing runs between two calls but the
// container itself. Texts of errors are in the manner of runc's. One call at a time per object.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "oci/runtime_spec.hpp"

namespace davit::runtime {

struct OciState {
    std::string id;
    pid_t pid = 0;
    std::uint64_t start_time = 0;  ///< of the process, in clock ticks since boot: tells a reused pid
    std::filesystem::path bundle;
    std::map<std::string, std::string> annotations;
    std::vector<std::string> cgroups;
    std::uint64_t namespaces = 0;  ///< CLONE_NEW* that differ from the host's
    std::string created;           ///< RFC 3339
    std::string status;            ///< "created", "running", "paused", "stopped"
};

class OciRuntime {
  public:
    /// `shim` is davit-shim's path; `root` is made when missing.
    OciRuntime(std::filesystem::path root, std::filesystem::path shim);

    struct Create {
        std::string id;
        std::filesystem::path bundle;
        std::string console_socket;
        std::filesystem::path pid_file;  ///< empty: none
    };
    /// The container's process waits for start(); it is a child of the nearest subreaper. Throws Error{conflict} when the id
    /// is in use.
    OciState create(const Create& request);
    void start(const std::string& id);
    /// Throws Error{not_found} `container "x" does not exist`.
    [[nodiscard]] OciState state(const std::string& id) const;
    void kill(const std::string& id, int signal, bool all = false);
    /// A container that isn't stopped is Error{conflict} without `force`.
    void remove(const std::string& id, bool force);

    struct Exec {
        std::string id;
        oci::Process process;
        std::string console_socket;
        std::filesystem::path pid_file;
    };
    /// Starts the process and returns its pid; it is a child of the nearest subreaper.
    pid_t exec(const Exec& request);

    /// pause and resume.
    void freeze(const std::string& id, bool frozen);
    /// Process ids on the host, in no order.
    [[nodiscard]] std::vector<pid_t> processes(const std::string& id) const;
    /// All containers below the root, by ID.
    [[nodiscard]] std::vector<OciState> list() const;

    /// True when the bundle's process wants a terminal.
    [[nodiscard]] static bool wantsTerminal(const std::filesystem::path& bundle);

    /// The container's process as created, for `exec` without a file.
    [[nodiscard]] oci::Process containerProcess(const std::string& id) const;

  private:
    [[nodiscard]] std::filesystem::path directory(const std::string& id) const;
    pid_t launch(const std::string& plan) const;
    [[nodiscard]] static std::string pausedStatus(const OciState& state);

    std::filesystem::path root_;
    std::filesystem::path shim_;
};

/// state.json and the answer of `state`.
[[nodiscard]] std::string writeOciState(const OciState& state);

}  // namespace davit::runtime
