#include "engine/create_checks.hpp"

#include <sys/utsname.h>

#include <algorithm>
#include <array>

#include "base/check.hpp"
#include "engine/log_config.hpp"
#include "engine/network_modes.hpp"
#include "runtime/spec_builder.hpp"

namespace davit::engine {
namespace {

std::string platformText(const std::string& os, const std::string& architecture, const std::string& variant) {
    return os + "/" + architecture + (variant.empty() ? "" : "/" + variant);
}

void conflicting(bool condition, const char* text) {
    if (condition) throw error(Code::invalid, "conflicting options: {}", text);
}

void checkContainerNetwork(const runtime::ContainerConfig& config, const runtime::HostConfig& host) {
    conflicting(!config.hostname.empty(), "hostname and the network mode");
    conflicting(!host.links.empty(), "container type network can't be used with links. This would result in undefined "
                                     "behavior");
    conflicting(!host.dns.empty(), "dns and the network mode");
    conflicting(!host.extra_hosts.empty(), "custom host-to-IP mapping and the network mode");
    conflicting(!config.mac_address.empty(), "mac-address and the network mode");
    conflicting(!host.port_bindings.empty() || host.publish_all_ports, "port publishing and the container type network mode");
    conflicting(!config.exposed_ports.empty(), "port exposing and the container type network mode");
}

}  // namespace

void checkRestartPolicy(const runtime::HostConfig& host) {
    const runtime::RestartPolicy& policy = host.restart_policy;
    const bool none = policy.name.empty() || policy.name == "no";
    if (host.auto_remove && !none)
        throw Error(Code::invalid, "can't create 'AutoRemove' container with restart policy");
    constexpr std::array<std::string_view, 5> kPolicies = {"", "no", "always", "unless-stopped", "on-failure"};
    if (std::find(kPolicies.begin(), kPolicies.end(), policy.name) == kPolicies.end())
        throw error(Code::invalid, "invalid restart policy: unknown policy '{}'; use one of 'no', 'always', 'on-failure', or "
                                   "'unless-stopped'", policy.name);
    if (policy.name != "on-failure" && policy.maximum_retry_count != 0)
        throw Error(Code::invalid, "invalid restart policy: maximum retry count can only be used with 'on-failure'");
    if (policy.maximum_retry_count < 0)
        throw Error(Code::invalid, "invalid restart policy: maximum retry count cannot be negative");
}

namespace {

}  // namespace

std::string hostArchitecture() {
    utsname names{};
    (void)::uname(&names);  // can't fail with a valid buffer
    const std::string_view machine = names.machine;
    constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kGoNames = {{{"x86_64", "amd64"},
                                                                                       {"aarch64", "arm64"},
                                                                                       {"armv7l", "arm"},
                                                                                       {"armv6l", "arm"},
                                                                                       {"i686", "386"},
                                                                                       {"riscv64", "riscv64"},
                                                                                       {"ppc64le", "ppc64le"}}};
    for (const auto& [uname_name, go_name] : kGoNames)
        if (machine == uname_name) return std::string(go_name);
    return std::string(machine);
}

void checkPlatform(const std::string& asked, const std::string& reference, const image::Image& image,
                   std::vector<std::string>& warnings) {
    const std::string is = platformText(image.config->os.empty() ? "linux" : image.config->os, image.config->architecture,
                                        image.config->variant);
    if (asked.empty()) {
        const std::string host = "linux/" + hostArchitecture();
        if (image.config->architecture.empty() || is == host || is.starts_with(host + "/")) return;
        warnings.push_back(fmt::format("The requested image's platform ({}) does not match the detected host platform ({}) and "
                                       "no specific platform was requested", is, host));
        return;
    }
    const std::string wanted = asked.find('/') == std::string::npos ? asked + "/" + hostArchitecture() : asked;
    if (is == wanted || is.starts_with(wanted + "/") || image.config->architecture.empty()) return;
    throw error(Code::not_found, "image with reference {} was found but its platform ({}) does not match the specified "
                                 "platform ({})", reference, is, wanted);
}

void checkModes(const runtime::ContainerConfig& config, const runtime::HostConfig& host) {
    if (!containerOfMode(host.network_mode).empty()) checkContainerNetwork(config, host);
    conflicting(host.network_mode == "host" && !host.links.empty(),
                "host type networking can't be used with links. This would result in undefined behavior");
    conflicting(host.uts_mode == "host" && !config.hostname.empty(), "hostname and the UTS mode");
    conflicting(!config.mac_address.empty() && host.network_mode == "host", "mac-address and the network mode");
}

void checkHostConfig(const runtime::HostConfig& host, const EngineOptions& options) {
    checkRestartPolicy(host);
    checkLogConfig(host.log_config);
    if (!host.runtime.empty() && host.runtime != kBuiltinRuntime && !options.runtimes.contains(host.runtime))
        throw error(Code::invalid, "unknown or invalid runtime name: {}", host.runtime);
    if (!host.isolation.empty() && host.isolation != "default")
        throw error(Code::invalid, "invalid isolation '{}' on linux", host.isolation);
}

/// Docker: a privileged container shares the host's on v1 whatever the daemon's option says, but not on v2.
std::string defaultCgroupNamespace(const EngineOptions& options, bool privileged) {
    const bool unified = runtime::hostFacts().cgroup_v2;
    if (privileged && !unified) return "host";
    if (!options.default_cgroupns_mode.empty()) return options.default_cgroupns_mode;
    return unified ? "private" : "host";
}

void fillDefaults(const EngineOptions& options, runtime::HostConfig& host) {
    if (host.log_config.type.empty()) {
        host.log_config.type = options.log_driver;
        if (host.log_config.config.empty()) host.log_config.config = options.log_opts;
    } else if (host.log_config.type == options.log_driver) {
        for (const auto& [name, value] : options.log_opts) host.log_config.config.try_emplace(name, value);
    }
    if (host.restart_policy.name.empty()) host.restart_policy.name = "no";
    if (host.shm_size == 0) host.shm_size = options.default_shm_size;
    if (host.ipc_mode.empty()) host.ipc_mode = options.default_ipc_mode;
    if (host.cgroupns_mode.empty()) host.cgroupns_mode = defaultCgroupNamespace(options, host.privileged);
    if (host.runtime.empty())
        host.runtime = options.default_runtime.empty() ? std::string(kBuiltinRuntime) : options.default_runtime;
}

void setCommand(Container& container) {
    std::vector<std::string> line;
    const runtime::ContainerConfig& config = *container.config;
    if (config.entrypoint) line = *config.entrypoint;
    if (config.cmd) line.insert(line.end(), config.cmd->begin(), config.cmd->end());
    if (line.empty() || line[0].empty()) throw Error(Code::invalid, "no command specified");
    container.path = line[0];
    container.args.assign(line.begin() + 1, line.end());
}

}  // namespace davit::engine
