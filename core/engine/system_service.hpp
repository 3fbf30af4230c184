// SystemService: what the daemon knows of itself and its host, for /version, /info and the list of drivers.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "plugin/driver_info.hpp"

namespace davit::engine {

class EngineCore;

inline constexpr std::string_view kApiVersion = "1.51";
inline constexpr std::string_view kMinApiVersion = "1.12";

struct VersionInfo {
    std::string version;
    std::string git_commit;
    std::string build_time;
    std::string os = "linux";
    std::string arch;  ///< Go's name: amd64, arm64
    std::string kernel_version;
    /// Further parts: name, version, details.
    struct Component {
        std::string name;
        std::string version;
        std::map<std::string, std::string> details;
    };
    std::vector<Component> components;
};

struct RuntimeInfo {
    std::string name;
    std::string path;
    std::vector<std::string> args;
};

/// GET /info. Names follow Docker's members.
struct SystemInfo {
    std::string id;
    int containers = 0;
    int containers_running = 0;
    int containers_paused = 0;
    int containers_stopped = 0;
    int images = 0;
    std::string driver;
    std::vector<std::pair<std::string, std::string>> driver_status;
    std::vector<std::string> volume_plugins;
    std::vector<std::string> network_plugins;
    std::vector<std::string> log_plugins;
    bool memory_limit = false;
    bool swap_limit = false;
    bool cpu_cfs_period = false;
    bool cpu_cfs_quota = false;
    bool cpu_shares = false;
    bool cpu_set = false;
    bool pids_limit = false;
    bool oom_kill_disable = false;
    bool ipv4_forwarding = false;
    bool debug = false;
    int n_fd = 0;
    int n_goroutines = 0;  ///< threads
    SystemTime system_time;
    std::string logging_driver = "json-file";
    std::string cgroup_driver = "cgroupfs";
    std::string cgroup_version;
    int n_events_listener = 0;
    std::string kernel_version;
    std::string operating_system;
    std::string os_version;
    std::string os_type = "linux";
    std::string architecture;  ///< uname's name: x86_64
    int ncpu = 0;
    std::int64_t mem_total = 0;
    std::string docker_root_dir;
    std::string http_proxy;
    std::string https_proxy;
    std::string no_proxy;
    std::string name;  ///< of the host
    std::vector<std::string> labels;
    bool experimental = false;
    std::string server_version;
    std::vector<RuntimeInfo> runtimes;
    std::string default_runtime;
    bool live_restore = true;
    std::string isolation;
    std::string init_binary;
    std::vector<std::string> security_options;
    std::string product_license;
    std::vector<std::string> warnings;
};

class SystemService {
  public:
    explicit SystemService(EngineCore& core);

    [[nodiscard]] VersionInfo version() const;
    [[nodiscard]] SystemInfo info() const;
    /// Every driver that was found, with transport, version, state and reason.
    [[nodiscard]] std::vector<plugin::DriverInfo> drivers() const;

  private:
    EngineCore& core_;
};

}  // namespace davit::engine
