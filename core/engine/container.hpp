// What the engine shows of a container: plain values, copied out under the container's own short lock, so that a reader never
// waits for an operation. api/views makes JSON of them.
//
// Configurations are immutable once shared: a snapshot of a thousand containers copies pointers, not environments.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "network/network.hpp"
#include "runtime/container_config.hpp"
#include "runtime/mount_point.hpp"

namespace davit::engine {

/// Docker's State.Status. `dead`: it can't be used any more, only removed (quarantined row, or a removal that failed).
enum class Status { created, running, paused, restarting, removing, exited, dead };

/// "created", "running", …
[[nodiscard]] std::string_view statusName(Status status);
[[nodiscard]] std::optional<Status> parseStatus(std::string_view name);

struct ContainerState {
    Status status = Status::created;
    bool oom_killed = false;
    int pid = 0;        ///< of the init in the daemon's pid namespace; 0 when not running
    int exit_code = 0;  ///< of the last run; 126/127 with `error` when the last start failed
    std::string error;  ///< why the last start failed, or why it is dead
    bool stopped_by_client = false;  ///< the last run was: by stop or kill
    std::optional<SystemTime> started_at;
    std::optional<SystemTime> finished_at;

    [[nodiscard]] bool running() const noexcept { return status == Status::running || status == Status::paused; }
    [[nodiscard]] bool paused() const noexcept { return status == Status::paused; }
    [[nodiscard]] bool dead() const noexcept { return status == Status::dead; }
};

/// One element of NetworkSettings.Networks: what was asked for, and while the container runs what it got.
struct EndpointSettings {
    network::EndpointConfig config;
    std::string network_id;
    std::string endpoint_id;
    std::string gateway;
    std::string ip_address;
    int ip_prefix_len = 0;
    std::string ipv6_gateway;
    std::string global_ipv6_address;
    int global_ipv6_prefix_len = 0;
    std::string mac_address;
    std::vector<std::string> dns_names;
};

struct NetworkSettings {
    std::string sandbox_id;
    std::string sandbox_key;  ///< path of the network namespace
    std::map<std::string, EndpointSettings> networks;
    /// While it runs: the ports of its configuration, "80/tcp", each with where it is published.
    std::map<std::string, std::vector<network::PortBinding>> ports;

    /// Forgets what belongs to a run.
    void endRun();
};

/// Bytes of the writable layer and of the whole root; only when asked for.
struct ContainerSize {
    std::int64_t rw = 0;
    std::int64_t root_fs = 0;
};

/// Everything that inspect, list and the filters show.
struct Container {
    std::string id;    ///< 64 hex digits
    std::string name;  ///< without the leading slash
    SystemTime created;
    std::string image_id;   ///< "sha256:…"; inspect's Image
    std::string image_ref;  ///< as the client named it; inspect's Config.Image and list's Image
    std::string path;       ///< the program; inspect's Path
    std::vector<std::string> args;
    ContainerState state;
    std::shared_ptr<const runtime::ContainerConfig> config;  ///< merged with the image's; never null
    std::shared_ptr<const runtime::HostConfig> host_config;  ///< with defaults filled in; never null
    std::vector<runtime::MountPoint> mounts;
    NetworkSettings network;
    int restart_count = 0;
    std::string storage_driver;  ///< inspect's Driver and GraphDriver.Name
    std::vector<std::string> exec_ids;
    std::string resolv_conf_path;
    std::string hostname_path;
    std::string hosts_path;
    std::string log_path;
    std::optional<ContainerSize> size;
    std::string apparmor_profile;                     ///< of its last start; filled by inspect() only
    std::map<std::string, std::string> storage_data;  ///< inspect's GraphDriver.Data; filled by inspect() only
};

}  // namespace davit::engine
