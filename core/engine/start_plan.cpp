#include "engine/start_plan.hpp"

#include "base/check.hpp"
#include "base/failpoint.hpp"
#include "base/file.hpp"
#include "engine/container_mounts.hpp"
#include "engine/container_network.hpp"
#include "engine/etc_files.hpp"
#include "engine/links.hpp"
#include "engine/log_config.hpp"
#include "engine/network_modes.hpp"
#include "runtime/apparmor.hpp"
#include "runtime/spec_builder.hpp"

namespace davit::engine {
namespace {

/// The container that a mode "container:x" names, which has to run; empty for other modes.
std::optional<Container> joined(const EngineCore& core, const std::string& mode, const char* what) {
    const std::string_view ref = containerOfMode(mode);
    if (ref.empty()) return std::nullopt;
    Container other = core.table.resolve(ref)->snapshot();
    if (!other.state.running())
        throw error(Code::conflict, "cannot join {} of a non running container: {}", what, other.id);
    return other;
}

std::string namespaceOf(const Container& other, const char* kind) {
    return fmt::format("/proc/{}/ns/{}", other.state.pid, kind);
}

/// Fills the namespaces that are other containers'.
void joinNamespaces(const EngineCore& core, const Container& container, runtime::SpecInput& input) {
    const runtime::HostConfig& host = *container.host_config;
    if (const auto other = joined(core, host.network_mode, "network")) input.network_namespace = namespaceOf(*other, "net");
    if (const auto other = joined(core, host.pid_mode, "PID")) input.pid_namespace = namespaceOf(*other, "pid");
    if (const auto other = joined(core, host.ipc_mode, "IPC")) {
        if (other->host_config->ipc_mode != "shareable")
            throw error(Code::invalid, "cannot join IPC of container {}: non-shareable IPC (hint: use IpcMode:shareable for "
                        "the donor container)", other->id);
        input.ipc_namespace = namespaceOf(*other, "ipc");
        input.shm_path = fmt::format("/proc/{}/root/dev/shm", other->state.pid);
    }
}

std::vector<runtime::Ulimit> defaultUlimits(const EngineOptions& options) {
    std::vector<runtime::Ulimit> limits;
    for (const auto& [name, limit] : options.default_ulimits) limits.push_back({name, limit.soft, limit.hard});
    return limits;
}

runtime::SpecInput specInput(EngineCore& core, const EngineOptions& options, const Container& container) {
    runtime::SpecInput input;
    input.id = container.id;
    input.config = container.config.get();
    input.host_config = container.host_config.get();
    input.facts = runtime::hostFacts();
    input.root_path = core.runDir(container.id) / "rootfs";
    input.mounts = container.mounts;
    input.etc_hostname = container.hostname_path;
    input.etc_hosts = container.hosts_path;
    input.etc_resolv_conf = container.resolv_conf_path;
    input.cgroup_parent = options.cgroup_parent;
    input.link_variables = linkVariables(core, container);
    input.default_ulimits = defaultUlimits(options);
    input.default_no_new_privileges = options.no_new_privileges;
    input.default_init = options.init_by_default;
    input.default_seccomp_profile = options.seccomp_profile;
    input.init_path = options.init;
    return input;
}

/// Of resolver settings each kind that the container doesn't give is the daemon's, as it is at this start.
void setResolverDefaults(const EngineOptions& options, Container& container) {
    if (options.dns.empty() && options.dns_options.empty() && options.dns_search.empty()) return;
    auto config = *container.host_config;
    if (config.dns.empty()) config.dns = options.dns;
    if (config.dns_options.empty()) config.dns_options = options.dns_options;
    if (config.dns_search.empty()) config.dns_search = options.dns_search;
    container.host_config = std::make_shared<const runtime::HostConfig>(std::move(config));
}

/// Network settings and the files below /etc; returns whether the host's network is shared.
bool planNetwork(EngineCore& core, Container& container) {
    const std::string mode = container.host_config->network_mode;
    if (const auto other = joined(core, mode, "network")) {
        container.hostname_path = other->hostname_path;
        container.hosts_path = other->hosts_path;
        container.resolv_conf_path = other->resolv_conf_path;
        auto config = *container.config;
        config.hostname = other->config->hostname;
        container.config = std::make_shared<const runtime::ContainerConfig>(std::move(config));
        return false;
    }
    const Resolving resolving = openNetwork(core, container);
    writeEtcFiles(core.runDir(container.id), resolving, container, hostsExtras(core, container));
    return resolving == Resolving::host;
}

/// Without a path: the built-in one.
RuntimeProgram externalRuntime(const EngineOptions& options, const std::string& name) {
    const std::string chosen = name.empty() ? options.default_runtime : name;
    if (chosen.empty() || chosen == kBuiltinRuntime) return {};
    const auto found = options.runtimes.find(chosen);
    if (found == options.runtimes.end()) throw error(Code::invalid, "unknown or invalid runtime name: {}", chosen);
    return found->second;
}

}  // namespace

StartPlan planStart(EngineCore& core, Container container) {
    const std::shared_ptr<const EngineOptions> options = core.options();
    StartPlan plan;
    checkLinks(core, container);
    plan.mounts = mountAll(core, container);
    setResolverDefaults(*options, container);
    const bool host_network = planNetwork(core, container);
    DAVIT_FAILPOINT("container.etc_files");
    runtime::SpecInput input = specInput(core, *options, container);
    input.host_network = host_network;
    input.network_namespace = container.network.sandbox_key;
    input.mounts = plan.mounts.spec;
    joinNamespaces(core, container, input);

    runtime::StartRequest& request = plan.request;
    request.id = container.id;
    request.run_dir = core.runDir(container.id);
    request.spec = runtime::buildSpec(input);
    if (request.spec.process.apparmor_profile == runtime::kDefaultAppArmorProfile) runtime::ensureDefaultAppArmorProfile();
    request.log = logOptions(container.host_config->log_config, *container.config, container.log_path);
    request.tty = container.config->tty;
    request.open_stdin = container.config->open_stdin;
    request.stdin_once = container.config->stdin_once;
    RuntimeProgram program = externalRuntime(*options, container.host_config->runtime);
    request.external_runtime = program.path;
    request.runtime_args = std::move(program.args);
    request.root_mounts = core.parts.layers.rootMounts(container.id);
    DAVIT_FAILPOINT("container.rootfs_mounted");

    plan.network = std::move(container.network);
    plan.hostname_path = container.hostname_path;
    plan.hosts_path = container.hosts_path;
    plan.resolv_conf_path = container.resolv_conf_path;
    return plan;
}

oci::RuntimeSpec specOf(EngineCore& core, const Container& container) {
    runtime::SpecInput input = specInput(core, *core.options(), container);
    input.host_network = container.host_config->network_mode == "host";
    return runtime::buildSpec(input);
}

}  // namespace davit::engine
