#include "engine/container_service.hpp"

#include <csignal>

#include "base/check.hpp"
#include "engine/announce.hpp"
#include "engine/core.hpp"
#include "engine/lifecycle.hpp"
#include "engine/links.hpp"
#include "engine/stopping.hpp"
#include "http/peer_read.hpp"
#include "runtime/config_validation.hpp"

namespace davit::engine {
namespace {

constexpr std::chrono::milliseconds kHeadPatience{100};

/// Ends a container that is about to be removed by force.
void killForRemoval(EngineCore& core, const EntryPtr& entry) {
    try {
        killContainer(core, entry, SIGKILL);
    } catch (const Error& failure) {
        if (failure.code() != Code::conflict) throw;
    }
}

[[noreturn]] void refuseRemoval(const EntryPtr& entry, const ContainerState& state) {
    if (state.paused())
        throw error(Code::conflict, "You cannot remove a paused container {}. Unpause and then stop the container before "
                                    "attempting removal or force remove", entry->id());
    if (state.status == Status::restarting)
        throw error(Code::conflict, "You cannot remove a restarting container {}. Stop the container before attempting removal or "
                                    "force remove", entry->id());
    throw error(Code::conflict, "You cannot remove a running container {}. Stop the container before attempting removal or "
                                "force remove", entry->id());
}

}  // namespace

ContainerService::ContainerService(EngineCore& core) : core_(core) {}
ContainerService::~ContainerService() = default;

bool ContainerService::start(const std::string& ref, const std::string&) {
    const EntryPtr entry = core_.table.resolve(ref);
    const Operation operation = entry->begin();
    if (!entry->state().running()) entry->resetRestarts();
    return startContainer(core_, entry);
}

bool ContainerService::stop(const std::string& ref, const StopOptions& options) {
    const EntryPtr entry = core_.table.resolve(ref);
    const Operation operation = entry->begin();
    return stopContainer(core_, entry, options);
}

void ContainerService::kill(const std::string& ref, const std::string& signal) {
    const int number = signal.empty() ? SIGKILL : runtime::parseSignal(signal);
    const EntryPtr entry = core_.table.resolve(ref);
    entry->settle();
    try {
        entry->setStoppedByClient();
        killContainer(core_, entry, number);
    } catch (const Error& failure) {
        throw Error(failure.code(), fmt::format("cannot kill container: {}: {}", ref, failure.text()), failure.sysErrno());
    }
}

void ContainerService::remove(const std::string& ref, const RemoveOptions& options) {
    if (options.link) return removeLink(core_, ref);
    const EntryPtr entry = core_.table.resolve(ref);
    const ContainerState before = entry->state();
    if ((before.running() || before.status == Status::restarting) && !options.force) refuseRemoval(entry, before);
    // Before the operation is begun: a stop that waits for its timeout ends with it.
    if (before.running()) killForRemoval(core_, entry);
    try {
        const Operation operation = entry->beginRemoval();
        if (const ContainerState state = entry->state(); state.running()) {
            if (!options.force) refuseRemoval(entry, state);
            killForRemoval(core_, entry);
        }
        destroyContainer(core_, entry, {.durability = state::Durability::synced, .volumes = options.volumes});
    } catch (const Error& failure) {
        // An auto-remove container may have gone by itself when the force killed it: that is what was asked for.
        const bool by_itself = failure.code() == Code::not_found && before.running();
        if (!by_itself) throw;
    }
}

void ContainerService::resize(const std::string& ref, unsigned height, unsigned width) {
    const EntryPtr entry = core_.table.resolve(ref);
    const std::shared_ptr<runtime::Shim> shim = entry->shim();
    if (!shim) throw error(Code::conflict, "container {} is not running", entry->id());
    shim->resize(height, width);
    announce(core_.event_log, entry->snapshot(), "resize", {{"height", std::to_string(height)}, {"width", std::to_string(width)}});
}

std::unique_ptr<WaitTicket> ContainerService::wait(const std::string& ref, WaitCondition condition,
                                                   std::function<void(WaitResult)> done) {
    return core_.table.resolve(ref)->wait(condition, std::move(done));
}

ContainerService::AttachInfo ContainerService::checkAttach(const std::string& ref) const {
    const Container container = core_.table.resolve(ref)->snapshot();
    if (container.state.paused())
        throw error(Code::conflict, "container {} is paused, unpause the container before attach", ref);
    if (container.state.status == Status::restarting)
        throw error(Code::conflict, "container {} is restarting, wait until the container is running", ref);
    if (container.state.dead()) throw error(Code::conflict, "container {} is dead: {}", ref, container.state.error);
    return {container.id, container.config->tty};
}

void ContainerService::attach(const std::string& ref, const AttachOptions& options, AttachClient client) {
    const EntryPtr entry = core_.table.resolve(ref);
    const Container container = entry->snapshot();
    announce(core_.event_log, container, "attach");
    if (!options.stream) return;
    runtime::Attachment attachment;
    attachment.options = {.stdin_ = options.stdin_,
                          .stdout_ = options.stdout_,
                          .stderr_ = options.stderr_,
                          .detach_keys = options.detach_keys,
                          .multiplexed = !container.config->tty};
    attachment.socket = std::move(client.socket);
    attachment.early = std::move(client.early);
    if (entry->keepAttachment(attachment, client.greeting)) return;
    http::waitUntilRead(attachment.socket.get(), kHeadPatience);
    if (const std::shared_ptr<runtime::Shim> shim = entry->shim()) return shim->attach(std::move(attachment));
    // It ended between the two looks: the socket is closed, which is what the client would have seen.
}

}  // namespace davit::engine
