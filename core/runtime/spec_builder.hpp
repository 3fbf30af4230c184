// From Docker's configuration to an OCI runtime spec with Docker's default posture (docs/security.md).
//
// Pure: reads no file but those that the input names (a seccomp profile, devices given by path), changes nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "oci/runtime_spec.hpp"
#include "runtime/container_config.hpp"
#include "runtime/mount_point.hpp"

namespace davit::runtime {

/// What this host can do; asked once per process.
struct HostFacts {
    bool cgroup_v2 = false;  ///< the container controllers are on the unified hierarchy
    bool seccomp = true;
    bool apparmor = false;   ///< appArmorSupported()
    std::vector<std::string> capabilities;  ///< all that the kernel and this process have, as "CAP_CHOWN"
    std::uint32_t kernel_major = 0;
    std::uint32_t kernel_minor = 0;
};
[[nodiscard]] const HostFacts& hostFacts();

struct SpecInput {
    std::string id;                           ///< 64 hex digits
    const ContainerConfig* config = nullptr;  ///< merged with the image's (mergeImageConfig)
    const HostConfig* host_config = nullptr;
    HostFacts facts;                 ///< hostFacts(), or a test's own
    std::string root_path;           ///< where the root is or will be; the built-in launcher mounts it there itself
    std::vector<MountPoint> mounts;  ///< collectMounts() with volumes' sources filled in
    std::string etc_hostname;        ///< host files to bind on /etc/{hostname,hosts,resolv.conf}; empty: none
    std::string etc_hosts;
    std::string etc_resolv_conf;
    // Namespaces: empty = a new one (or what the modes of host_config say: "host"); else the path of the one to join.
    std::string network_namespace;  ///< for "container:x" and sandboxes: /proc/PID/ns/net or a bound file
    bool host_network = false;      ///< the network driver said so
    std::string ipc_namespace;      ///< for "container:x"
    std::string pid_namespace;      ///< for "container:x"
    std::string shm_path;           ///< the other container's /dev/shm for ipc "container:x"; empty: an own tmpfs
    std::string cgroup_parent;      ///< "davit", …; host_config.cgroup_parent wins
    std::vector<IdMap> uid_maps;    ///< not empty: a user namespace
    std::vector<IdMap> gid_maps;
    std::vector<std::string> link_variables;  ///< of the process, before those of the configuration
    std::vector<Ulimit> default_ulimits;
    bool default_no_new_privileges = false;
    bool default_init = false;            ///< daemon.json "init"
    std::string default_seccomp_profile;  ///< file of daemon.json "seccomp-profile"; empty: the built-in; "unconfined"
    std::string init_path;                ///< host path of davit-init, bound at /sbin/docker-init for --init
};

/// Where below the hierarchies' roots a container's control groups are: "/davit/ID".
[[nodiscard]] std::string cgroupPath(const std::string& id, const HostConfig& host_config, const std::string& default_parent);

/// Throws Error{invalid} for what create's checks couldn't know, with Docker's text.
[[nodiscard]] oci::RuntimeSpec buildSpec(const SpecInput& input);

/// Fills what the user left open from the image: Env, Cmd and Entrypoint, User, WorkingDir, Labels, Volumes,
/// ExposedPorts, StopSignal, Healthcheck, Shell, as Docker merges them.
void mergeImageConfig(ContainerConfig& config, const ContainerConfig& image);

/// A process for `exec` in a container that was started from `container`. `privileged` gives all capabilities.
struct ExecInput {
    std::vector<std::string> args;
    std::vector<std::string> env;  ///< added to the container's
    std::string user;              ///< empty: the container's
    std::string working_dir;       ///< empty: the container's
    bool tty = false;
    bool privileged = false;
    oci::ConsoleSize console_size;
};
[[nodiscard]] oci::Process buildExecProcess(const oci::RuntimeSpec& container, const ExecInput& input);

}  // namespace davit::runtime
