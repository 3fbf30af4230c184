// DaemonConfig: what davitd was told, by flags and by /etc/davit/daemon.json. Docker's keys where Docker has them; a key
// may be given as a flag or in the file, not both. One table (daemon_settings.cpp) is behind flags, file and reload.
//
//     { "data-root": "/srv/davit", "storage-driver": "overlay2", "hosts": ["unix:///run/davit.sock"],
//       "plugin-directories": ["/opt/drivers"], "isolation": "process",
//       "drivers": { "volume": { "nfs": { "isolation": "in-process", "server": "10.0.0.5" } } } }
//
// A member of drivers.<kind>.<name> is the driver's own configuration, except "isolation". Values.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "app/network_options.hpp"
#include "engine/options.hpp"
#include "plugin/registry.hpp"

namespace davit::app {

inline constexpr std::string_view kDefaultDataRoot = "/var/lib/davit";
inline constexpr std::string_view kDefaultExecRoot = "/run/davit";

struct DaemonConfig {
    std::filesystem::path config_file = "/etc/davit/daemon.json";
    bool config_file_given = false;  ///< then it has to exist
    bool validate = false;
    bool show_version = false;

    std::vector<std::string> hosts;  ///< empty: unix:///run/davit.sock
    std::string group;
    std::filesystem::path pidfile;  ///< empty: <exec-root>/davitd.pid
    std::string log_level = "info";
    bool tls = false;
    bool tls_verify = false;
    std::string tls_ca = "/etc/davit/ca.pem";
    std::string tls_cert = "/etc/davit/cert.pem";
    std::string tls_key = "/etc/davit/key.pem";

    std::string storage_driver;  ///< empty: that of the existing store, else the most suitable
    std::vector<std::string> storage_opts;
    std::vector<std::filesystem::path> plugin_directories;  ///< before davit's own
    std::map<std::string, plugin::DriverSection, std::less<>> driver_sections;
    NetworkOptions network;
    int oom_score_adjust = -500;

    engine::EngineOptions engine;  ///< helpers' paths are filled in by the composition

    std::set<std::string, std::less<>> flags_given;  ///< keys that a flag set
    std::vector<std::string> without_effect;         ///< keys of Docker's that davit knows and ignores
};

/// One thing that is wrong with a file. line 0: with the file as a whole.
struct ConfigFault {
    int line = 0;
    std::string reason;
};

/// Reads command-line arguments (without argv[0]). Throws Error{invalid} with a text for the user; `help` gets the usage text
/// when it was asked for.
[[nodiscard]] DaemonConfig readFlags(const std::vector<std::string>& arguments, std::string& help);

/// Adds what `json` says. Returns every fault found; the config is then not to be used.
[[nodiscard]] std::vector<ConfigFault> applyFile(std::string_view json, DaemonConfig& config);

/// applyFile() on config.config_file; a missing file is an empty one unless it was named by a flag.
[[nodiscard]] std::vector<ConfigFault> applyConfigFile(DaemonConfig& config);

/// What only the whole can be judged by: combinations. Texts as in applyFile().
[[nodiscard]] std::vector<ConfigFault> checkConfig(const DaemonConfig& config);

}  // namespace davit::app
