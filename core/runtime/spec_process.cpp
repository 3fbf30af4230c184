#include <algorithm>

#include "base/check.hpp"
#include "linux/capability.hpp"
#include "runtime/environment.hpp"
#include "runtime/resource_validation.hpp"
#include "runtime/spec_parts.hpp"

namespace davit::runtime {
namespace {

constexpr const char* kDefaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
// The place where users of Docker look for it.
constexpr const char* kInitInContainer = "/sbin/docker-init";

Strings environment(const ContainerConfig& config, const Strings& link_variables) {
    Strings env = {kDefaultPath, "HOSTNAME=" + config.hostname};
    if (config.tty) env.emplace_back("TERM=xterm");
    for (const std::string& variable : link_variables) setVariable(env, variable);
    for (const std::string& variable : config.env) setVariable(env, variable);
    return env;
}

bool wantsInit(const SpecInput& input) {
    // An init of ours in a foreign pid namespace would not be process 1.
    return input.host_config->init.value_or(input.default_init) && input.host_config->pid_mode.empty();
}

Strings arguments(const SpecInput& input) {
    Strings args;
    if (wantsInit(input)) args = {kInitInContainer, "--"};
    const auto append = [&](const std::optional<Strings>& more) {
        if (more) args.insert(args.end(), more->begin(), more->end());
    };
    append(input.config->entrypoint);
    append(input.config->cmd);
    return args;
}

std::vector<oci::Rlimit> rlimits(const SpecInput& input) {
    std::vector<Ulimit> limits = input.host_config->ulimits;
    for (const Ulimit& fallback : input.default_ulimits) {
        const auto same = [&](const Ulimit& limit) { return limit.name == fallback.name; };
        if (std::none_of(limits.begin(), limits.end(), same)) limits.push_back(fallback);
    }
    std::vector<oci::Rlimit> result;
    for (const Ulimit& limit : limits) {
        (void)ulimitNumber(limit.name);
        std::string type = "RLIMIT_" + limit.name;
        std::transform(type.begin(), type.end(), type.begin(),
                       [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
        // -1 is RLIM_INFINITY in both.
        result.push_back({.type = std::move(type),
                          .hard = static_cast<std::uint64_t>(limit.hard),
                          .soft = static_cast<std::uint64_t>(limit.soft)});
    }
    return result;
}

oci::Capabilities capabilities(const SpecInput& input) {
    const HostConfig& host = *input.host_config;
    const Strings names = host.privileged ? input.facts.capabilities
                                          : linux::tweakCapabilities(linux::normalizeCapabilities(host.cap_add),
                                                                     linux::normalizeCapabilities(host.cap_drop));
    // Inheritable and ambient stay empty (SEC-09).
    return {.bounding = names, .effective = names, .permitted = names};
}

}  // namespace

void buildProcess(oci::RuntimeSpec& spec, const SpecInput& input, const SecurityOptions& security) {
    const ContainerConfig& config = *input.config;
    oci::Process& process = spec.process;
    process.terminal = config.tty;
    process.console_size = {.height = input.host_config->console_size[0], .width = input.host_config->console_size[1]};
    // Also root is looked up: its groups in the image's /etc/group are its supplementary groups.
    process.user.username = config.user.empty() ? "0" : config.user;
    process.user.group_names = input.host_config->group_add;
    process.args = arguments(input);
    process.env = environment(config, input.link_variables);
    process.cwd = config.working_dir.empty() ? "/" : config.working_dir;
    process.capabilities = capabilities(input);
    process.rlimits = rlimits(input);
    process.no_new_privileges = security.no_new_privileges.value_or(input.default_no_new_privileges);
    process.oom_score_adj = static_cast<int>(input.host_config->oom_score_adj);
    if (wantsInit(input))
        spec.mounts.push_back({.destination = kInitInContainer,
                               .type = "bind",
                               .source = input.init_path,
                               .options = {"bind", "ro", "rprivate"}});
}

void buildNamespaces(oci::RuntimeSpec& spec, const SpecInput& input) {
    const HostConfig& host = *input.host_config;
    auto& namespaces = spec.os.namespaces;
    namespaces.push_back({.type = "mount"});
    const auto add = [&](std::string type, bool of_host, const std::string& path) {
        if (!of_host) namespaces.push_back({.type = std::move(type), .path = path});
    };
    add("network", input.host_network, input.network_namespace);
    add("uts", host.uts_mode == "host", "");
    add("pid", host.pid_mode == "host", input.pid_namespace);
    add("ipc", host.ipc_mode == "host", input.ipc_namespace);
    // Docker: private on v2, also for privileged containers; the host's on v1.
    add("cgroup", host.cgroupns_mode.empty() ? !input.facts.cgroup_v2 : host.cgroupns_mode == "host", "");
    if (!input.uid_maps.empty()) namespaces.push_back({.type = "user"});
    if (host.uts_mode != "host") {
        spec.hostname = input.config->hostname;
        spec.domainname = input.config->domainname;
    }
    const bool own_network = !input.host_network && input.network_namespace.empty();
    if (own_network) {
        spec.os.sysctl["net.ipv4.ip_unprivileged_port_start"] = "0";
        if (input.uid_maps.empty()) spec.os.sysctl["net.ipv4.ping_group_range"] = "0 2147483647";
    }
    for (const auto& [key, value] : host.sysctls) spec.os.sysctl[key] = value;
}

}  // namespace davit::runtime
