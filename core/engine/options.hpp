// EngineOptions: what the composition root decides for one daemon: places, helpers, defaults of containers. Values; the
// members marked (reload) may change while it runs, through Engine::reload().
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace davit::engine {

/// Docker's default-ulimits.
struct UlimitDefault {
    std::int64_t soft = 0;
    std::int64_t hard = 0;
};

/// An external OCI runtime.
struct RuntimeProgram {
    std::filesystem::path path;     ///< absolute, or a name in PATH
    std::vector<std::string> args;  ///< options before all others
};

struct EngineOptions {
    std::filesystem::path data_root;  ///< /var/lib/davit
    std::filesystem::path exec_root;  ///< /run/davit
    std::filesystem::path shim;       ///< the davit-shim executable
    std::filesystem::path init;       ///< what --init runs as pid 1; empty: the shim's own
    std::string cgroup_parent = "davit";

    /// External OCI runtimes by name. The built-in one is always there under kBuiltinRuntime.
    std::map<std::string, RuntimeProgram> runtimes;  // (reload)
    std::string default_runtime;                     // (reload); empty: the built-in one

    std::map<std::string, UlimitDefault> default_ulimits;  // (reload)
    std::vector<std::string> labels;                       // (reload)
    std::int64_t default_shm_size = 67108864;              // (reload)
    std::string default_cgroupns_mode;                     // (reload); empty: private on cgroup v2, host on v1
    std::string default_ipc_mode = "private";
    std::string seccomp_profile;  ///< file; empty: the built-in profile; "unconfined"
    bool init_by_default = false;
    bool no_new_privileges = false;
    std::size_t prepared_starts = 1;  ///< shims that are started ahead of their containers
    std::string log_driver = "json-file";
    std::map<std::string, std::string> log_opts;
    bool debug = false;                // (reload)
    bool live_restore = true;          // (reload); false: shutdown() stops the containers
    unsigned shutdown_timeout_s = 15;  // (reload)
    std::vector<std::string> dns;            // (reload); of containers that name none, in place of the host's
    std::vector<std::string> dns_options;    // (reload)
    std::vector<std::string> dns_search;     // (reload)
    std::vector<std::string> host_gateways;  ///< addresses for "host-gateway" in --add-host; empty: the default network's gateways
    std::string isolation = "default";  ///< of drivers: "default" (in process) or "process"
};

inline constexpr std::string_view kBuiltinRuntime = "davit";

}  // namespace davit::engine
