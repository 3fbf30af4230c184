#include "engine/exec_service.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.hpp"
#include "base/failpoint.hpp"
#include "base/id.hpp"
#include "engine/announce.hpp"
#include "engine/core.hpp"
#include "engine/start_plan.hpp"
#include "runtime/spec_builder.hpp"

namespace davit::engine {
namespace {

constexpr int kCannotExecute = 126;
constexpr int kNotFound = 127;
constexpr std::chrono::seconds kEventTimeout{2};
constexpr std::chrono::seconds kStartTimeout{10};

/// Docker's two refusals.
void requireRunning(const Container& container) {
    if (container.state.paused())
        throw error(Code::conflict, "container {} is paused, unpause the container before exec", container.id);
    if (container.state.status == Status::restarting)
        throw error(Code::conflict, "Container {} is restarting, wait until the container is running", container.id);
    if (!container.state.running()) throw error(Code::conflict, "container {} is not running", container.id);
}

runtime::ExecRequest execRequest(EngineCore& core, const Container& container, const Exec& exec, const ExecStart& options) {
    runtime::ExecInput input;
    input.args = exec.config.cmd;
    input.env = exec.config.env;
    input.user = exec.config.user;
    input.working_dir = exec.config.working_dir;
    input.tty = exec.config.tty;
    input.privileged = exec.config.privileged;
    if (const auto& size = options.console_size ? options.console_size : exec.config.console_size)
        input.console_size = {size->first, size->second};
    runtime::ExecRequest request;
    request.exec_id = exec.id;
    request.process = runtime::buildExecProcess(specOf(core, container), input);
    request.open_stdin = exec.config.attach_stdin && !options.detach;
    return request;
}

runtime::Attachment attachment(const ExecConfig& config, UniqueFd client, std::string early) {
    runtime::Attachment attachment;
    attachment.options = {.stdin_ = config.attach_stdin,
                          .stdout_ = config.attach_stdout,
                          .stderr_ = config.attach_stderr,
                          .detach_keys = config.detach_keys,
                          .multiplexed = !config.tty};
    attachment.socket = std::move(client);
    attachment.early = std::move(early);
    return attachment;
}

/// "exec_start: ls -l": a lone program is followed by a space too, as dockerd writes it.
void announceExec(EngineCore& core, const Container& container, const std::string& action, const Exec& exec) {
    const std::vector<std::string> arguments(exec.config.cmd.begin() + 1, exec.config.cmd.end());
    announce(core.event_log, container, fmt::format("{}: {} {}", action, exec.config.cmd.front(), fmt::join(arguments, " ")),
             {{"execID", exec.id}});
}

}  // namespace

ExecService::ExecService(EngineCore& core) : core_(core) {}

std::string ExecService::create(const std::string& ref, ExecConfig config) {
    const EntryPtr entry = core_.table.resolve(ref);
    if (config.cmd.empty()) throw Error(Code::invalid, "No exec command specified");
    entry->settle();
    requireRunning(entry->snapshot());
    Exec exec;
    exec.id = randomId();
    exec.container_id = entry->id();
    exec.config = std::move(config);
    core_.execs.add(exec);
    entry->addExec(exec.id);
    DAVIT_FAILPOINT("exec.registered");
    announceExec(core_, entry->snapshot(), "exec_create", exec);
    return exec.id;
}

Exec ExecService::checkStart(const std::string& id) const {
    Exec exec = core_.execs.get(id);
    if (exec.exit_code) throw error(Code::conflict, "exec command {} has already run", id);
    if (exec.running) throw error(Code::conflict, "exec command {} is already running", id);
    const EntryPtr entry = core_.table.find(exec.container_id);
    if (!entry) throw error(Code::not_found, "No such container: {}", exec.container_id);
    entry->settle();
    requireRunning(entry->snapshot());
    return exec;
}

void ExecService::start(const std::string& id, const ExecStart& options, UniqueFd client, std::string early) {
    (void)checkStart(id);
    const Exec exec = core_.execs.claim(id);
    try {
        const EntryPtr entry = core_.table.resolve(exec.container_id);
        const Container container = entry->snapshot();
        requireRunning(container);
        const std::shared_ptr<runtime::Shim> shim = entry->shim();
        if (!shim) throw error(Code::conflict, "container {} is not running", container.id);
        runtime::ExecRequest request = execRequest(core_, container, exec, options);
        if (client) request.attachment = attachment(exec.config, std::move(client), std::move(early));
        announceExec(core_, container, "exec_start", exec);
        core_.execs.started(id, shim->exec(std::move(request)));
    } catch (const runtime::StartError& failure) {
        core_.execs.ended(id, failure.exitCode());
        const bool of_the_program = failure.exitCode() == kCannotExecute || failure.exitCode() == kNotFound;
        throw Error(of_the_program ? Code::invalid : failure.code(), failure.text(), failure.sysErrno());
    } catch (const Error&) {
        core_.execs.ended(id, kCannotExecute);
        throw;
    }
}

void ExecService::resize(const std::string& id, unsigned height, unsigned width) {
    // A client sends its terminal's size as soon as its connection is a stream, and gives up soon: the process may not be there yet.
    core_.execs.waitStarted(id, std::chrono::steady_clock::now() + kStartTimeout);
    const Exec exec = core_.execs.get(id);
    const EntryPtr entry = core_.table.resolve(exec.container_id);
    const std::shared_ptr<runtime::Shim> shim = entry->shim();
    if (!shim || !exec.running) throw error(Code::conflict, "exec {} is not running", id);
    shim->resizeExec(id, height, width);
}

Exec ExecService::inspect(const std::string& id) const {
    Exec exec = core_.execs.get(id);
    if (!exec.running) return exec;
    // A client asks for the exit code as soon as its stream has ended, which may be before the shim's event has been
    // handled. The shim itself knows already.
    const EntryPtr entry = core_.table.find(exec.container_id);
    const std::shared_ptr<runtime::Shim> shim = entry ? entry->shim() : nullptr;
    if (!shim) return exec;
    try {
        const std::vector<std::string> running = shim->state().running_execs;
        if (std::find(running.begin(), running.end(), id) != running.end()) return exec;
    } catch (const Error&) {
        // A shim that has gone takes its execs with it: endAll() says so.
    }
    core_.execs.waitEnded(id, std::chrono::steady_clock::now() + kEventTimeout);
    return core_.execs.get(id);
}

}  // namespace davit::engine
