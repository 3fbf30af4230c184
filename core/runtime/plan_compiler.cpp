#include "runtime/plan_compiler.hpp"

#include <sched.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.hpp"
#include "base/json.hpp"

namespace davit::runtime {
namespace {

struct NamespaceName {
    std::string_view name;
    std::uint64_t flag;
};
constexpr std::array kNamespaces{
    NamespaceName{"pid", CLONE_NEWPID},     NamespaceName{"network", CLONE_NEWNET}, NamespaceName{"mount", CLONE_NEWNS},
    NamespaceName{"ipc", CLONE_NEWIPC},     NamespaceName{"uts", CLONE_NEWUTS},     NamespaceName{"user", CLONE_NEWUSER},
    NamespaceName{"cgroup", CLONE_NEWCGROUP},
};

std::uint64_t namespaceFlag(const std::string& type) {
    for (const NamespaceName& known : kNamespaces)
        if (known.name == type) return known.flag;
    throw error(Code::invalid, "unsupported namespace type: {}", type);
}

void compileNamespaces(PlanBuilder& builder, const oci::RuntimeSpec& spec, plan::Launch& launch) {
    std::vector<plan::Namespace> joined;
    for (const oci::Namespace& entry : spec.os.namespaces) {
        const std::uint64_t flag = namespaceFlag(entry.type);
        if (!entry.path.empty()) {
            joined.push_back({flag, builder.text(entry.path)});
        } else if (flag == CLONE_NEWCGROUP) {
            launch.new_cgroup_namespace = 1;
        } else {
            launch.new_namespaces |= flag;
        }
    }
    // A user namespace comes first: entering it gives the right to enter the others that it owns.
    std::stable_partition(joined.begin(), joined.end(),
                          [](const plan::Namespace& entry) { return entry.flag == CLONE_NEWUSER; });
    if ((launch.new_namespaces & CLONE_NEWNS) == 0)
        throw error(Code::invalid, "a container needs a mount namespace of its own");
    launch.namespaces = builder.list(joined);
    launch.loopback_up = (launch.new_namespaces & CLONE_NEWNET) != 0;
}

std::string idMapText(const std::vector<IdMap>& maps) {
    std::string text;
    for (const IdMap& map : maps) text += fmt::format("{} {} {}\n", map.container_id, map.host_id, map.size);
    return text;
}

/// The section in OCI's form, for the compiler.
std::string profileText(const oci::Seccomp& seccomp) {
    if (!seccomp.profile.empty()) return seccomp.profile;
    oci::RuntimeSpec holder;
    holder.os.seccomp = seccomp;
    const std::string text = oci::writeRuntimeSpec(holder);
    const json::Document document = json::Document::parse(text);
    return document.root()["linux"]["seccomp"].text();
}

std::shared_ptr<const linux::SeccompFilter> compileFilter(const oci::RuntimeSpec& spec, linux::SeccompCompiler* compiler) {
    if (!spec.os.seccomp || compiler == nullptr) return nullptr;
    static const std::vector<std::string> kNone;
    const std::vector<std::string>& bounding = spec.process.capabilities ? spec.process.capabilities->bounding : kNone;
    return compiler->compile(profileText(*spec.os.seccomp), bounding);
}

plan::Client compileClient(PlanBuilder& builder, const Attachment& attachment, bool terminal) {
    plan::Client client;
    client.streams = (attachment.options.stdin_ ? 1U : 0U) | (attachment.options.stdout_ ? 2U : 0U) |
                     (attachment.options.stderr_ ? 4U : 0U);
    client.framed = attachment.options.multiplexed && !terminal;
    if (terminal) client.detach_keys = builder.text(parseDetachKeys(attachment.options.detach_keys));
    client.early = builder.bytes(attachment.early);
    return client;
}

plan::LogFile compileLog(PlanBuilder& builder, const LogOptions& options) {
    plan::LogFile log;
    log.path = builder.text(options.path.string());
    log.max_size = options.max_size;
    log.max_files = options.max_files > 0 ? static_cast<std::uint32_t>(options.max_files) : 1;
    if (options.attributes.empty()) return log;
    json::Writer out;
    out.object([&] {
        for (const auto& [name, value] : options.attributes) out.member(name, value);
    });
    log.attributes = builder.text(out.text());
    return log;
}

void compileShim(PlanBuilder& builder, const LaunchInput& input, plan::Launch& launch) {
    launch.mode = input.mode;
    launch.open_stdin = input.open_stdin;
    launch.stdin_once = input.stdin_once;
    launch.id = builder.text(input.id);
    launch.run_dir = builder.text(input.run_dir.string());
    if (input.log != nullptr) launch.log = compileLog(builder, *input.log);
    std::vector<plan::Client> clients;
    if (input.attachments != nullptr)
        for (const Attachment& attachment : *input.attachments)
            clients.push_back(compileClient(builder, attachment, input.spec->process.terminal));
    launch.clients = builder.list(clients);
    launch.start_fifo = builder.text(input.start_fifo);
    launch.console_socket = builder.text(input.console_socket);
    launch.external_runtime = builder.text(input.external_runtime);
    if (input.external_config != nullptr) {
        launch.config_head = builder.text(input.external_config->head);
        launch.config_tail = builder.text(input.external_config->tail);
    }
    if (input.runtime_args != nullptr) launch.runtime_args = builder.texts(*input.runtime_args);
}

plan::List compileHooks(PlanBuilder& builder, const std::vector<oci::Hook>& hooks) {
    std::vector<plan::Hook> compiled;
    for (const oci::Hook& hook : hooks)
        compiled.push_back({builder.text(hook.path), builder.texts(hook.args), builder.texts(hook.env),
                            static_cast<std::uint32_t>(std::max(hook.timeout.value_or(0), 0))});
    return builder.list(compiled);
}

}  // namespace

CompiledLaunch compileLaunch(const LaunchInput& input, const PlanHost& host) {
    const oci::RuntimeSpec& spec = *input.spec;
    PlanBuilder builder;
    plan::Launch launch;
    compileShim(builder, input, launch);
    compileNamespaces(builder, spec, launch);
    launch.hostname = builder.text(spec.hostname);
    launch.domainname = builder.text(spec.domainname);
    launch.uid_map = builder.text(idMapText(spec.os.uid_mappings));
    launch.gid_map = builder.text(idMapText(spec.os.gid_mappings));
    compileCgroups(builder, spec, input.id, *host.cgroups, launch);
    compileMounts(builder, input, *host.cgroups, launch);
    launch.create_hooks = compileHooks(builder, spec.hooks.create_container);
    launch.start_hooks = compileHooks(builder, spec.hooks.start_container);
    launch.hook_state = builder.text(input.hook_state);
    const std::shared_ptr<const linux::SeccompFilter> filter = compileFilter(spec, host.seccomp);
    launch.process = compileProcess(builder, spec.process, filter ? std::string_view(filter->program) : std::string_view(),
                                    filter ? filter->flags : 0);
    return {std::move(builder).finish(launch), filter};
}

std::string seccompFile(const linux::SeccompFilter* filter) {
    if (filter == nullptr) return {};
    std::string bytes(8, '\0');  // the flags, in the size of an instruction
    std::memcpy(bytes.data(), &filter->flags, sizeof filter->flags);
    return bytes + filter->program;
}

namespace {

plan::Process compileInside(PlanBuilder& builder, const oci::Process& process, std::string_view seccomp) {
    std::uint32_t flags = 0;
    if (seccomp.size() >= 8) {
        std::memcpy(&flags, seccomp.data(), sizeof flags);
        seccomp.remove_prefix(8);
    }
    return compileProcess(builder, process, seccomp, flags);
}

}  // namespace

std::string compileJoin(const JoinInput& input) {
    PlanBuilder builder;
    plan::Launch launch;
    launch.mode = plan::Mode::join;
    launch.join_pid = static_cast<std::uint32_t>(input.pid);
    launch.new_namespaces = input.namespaces;
    std::vector<plan::CgroupDirectory> directories;
    for (const std::string& directory : input.cgroups) directories.push_back({builder.text(directory), {}});
    launch.cgroup_directories = builder.list(directories);
    launch.process = compileInside(builder, *input.process, input.seccomp);
    launch.console_socket = builder.text(input.console_socket);
    return std::move(builder).finish(launch);
}

std::string compileExec(const ExecPlanInput& input) {
    PlanBuilder builder;
    plan::Exec exec;
    exec.exec_id = builder.text(input.exec_id);
    exec.open_stdin = input.open_stdin;
    exec.process = compileInside(builder, *input.process, input.seccomp);
    if (input.external != nullptr) {
        exec.process_head = builder.text(input.external->head);
        exec.process_tail = builder.text(input.external->tail);
    }
    exec.has_client = input.attachment != nullptr;
    if (input.attachment != nullptr) exec.client = compileClient(builder, *input.attachment, input.process->terminal);
    return std::move(builder).finish(exec);
}

}  // namespace davit::runtime
