#include "engine/lifecycle.hpp"

#include "base/check.hpp"
#include "base/defer.hpp"
#include "base/failpoint.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "engine/announce.hpp"
#include "engine/container_mounts.hpp"
#include "engine/container_network.hpp"
#include "engine/links.hpp"
#include "engine/start_plan.hpp"

namespace davit::engine {
namespace {

constexpr int kCannotExecute = 126;
constexpr int kNotFound = 127;
constexpr int kStartFailed = 128;
constexpr int kKilledExec = 137;
/// Of a container that goes with its end: what only it had goes, too, and a restart of the machine needn't know of it.
constexpr Destruction kAutoRemoval{.durability = state::Durability::relaxed, .volumes = true};

StoredState stored(const EntryPtr& entry, const ContainerState& state, bool starting) {
    const Container container = entry->snapshot();
    StoredState row{state, container.restart_count, starting, {}};
    for (const runtime::MountPoint& mount : container.mounts)
        if (mount.type == runtime::MountType::volume) row.volume_sources.emplace(mount.destination, mount.source);
    return row;
}

void checkStartable(const ContainerState& state) {
    if (state.paused()) throw Error(Code::conflict, "cannot start a paused container, try unpause instead");
    if (state.status == Status::removing || state.dead())
        throw Error(Code::conflict, "container is marked for removal and cannot be started");
}

ContainerState runningState(const runtime::Shim& shim) {
    ContainerState state;
    state.status = Status::running;
    state.pid = shim.pid();
    state.started_at = now();
    return state;
}

/// The removal of an auto-remove container whose run is over. The events thread doesn't wait: if another operation is under
/// way (a stop that is about to return), the clean-up thread waits for it.
void autoRemove(EngineCore& core, const EntryPtr& entry, std::uint64_t run) {
    if (const std::optional<Operation> operation = entry->tryBeginRemoval())
        return destroyContainer(core, entry, kAutoRemoval);
    core.cleanup.post("auto-remove " + entry->id(), [&core, entry, run] {
        try {
            const Operation operation = entry->beginRemoval();
            if (entry->runNumber() != run || entry->state().running()) return;
            destroyContainer(core, entry, kAutoRemoval);
        } catch (const Error& failure) {
            // Somebody else removes it or has removed it.
            if (failure.code() != Code::not_found && failure.code() != Code::conflict) throw;
        }
    });
}

/// Saves what has happened anyway: a failure (a full disk) is logged, and a restart learns it from the shim.
void saveFact(EngineCore& core, const EntryPtr& entry, const ContainerState& state) {
    try {
        core.rows.saveState(entry->id(), stored(entry, state, false), state::Durability::relaxed);
    } catch (const Error& failure) {
        log::error("container {}: state '{}' not saved: {}", entry->id(), statusName(state.status), failure.text());
    }
}

void announceEndpoints(EngineCore& core, const std::string& id, const std::vector<network::Network>& networks, const char* action) {
    for (const network::Network& network : networks) announce(core.event_log, network, action, id);
}

void announceExecDeath(EngineCore& core, const Container& container, const std::string& exec_id, int code) {
    announce(core.event_log, container, "exec_die", {{"execID", exec_id}, {"exitCode", std::to_string(code)}});
}

/// What Docker keeps of a start that failed: the state it had before, with the reason.
[[noreturn]] void startFailed(EngineCore& core, const EntryPtr& entry, ContainerState state,
                              const std::vector<network::Network>& joined, const Error& failure, int exit_code) {
    if (state.status == Status::restarting) state.status = Status::exited;  // as dockerd it gives up
    state.exit_code = exit_code;
    state.error = failure.text();
    state.pid = 0;
    saveFact(core, entry, state);
    entry->failed(state);
    core.parts.layers.releaseMounts(entry->id());
    endNetwork(core, entry->id());
    endMounts(core, entry->id());
    announceEndpoints(core, entry->id(), joined, "disconnect");
    if (entry->autoRemove()) destroyContainer(core, entry, kAutoRemoval);
    const bool of_the_program = exit_code == kCannotExecute || exit_code == kNotFound;
    throw Error(of_the_program ? Code::invalid : failure.code(), failure.text(), failure.sysErrno());
}

}  // namespace

bool startContainer(EngineCore& core, const EntryPtr& entry) {
    const Container before = entry->snapshot();
    if (before.state.status == Status::running) return false;
    checkStartable(before.state);
    const StartGate::Pass pass(core.starts);
    core.rows.saveState(entry->id(), stored(entry, before.state, true), state::Durability::relaxed);
    DAVIT_FAILPOINT("container.id_reserved");
    Entry::Run run = entry->beginRun();
    std::vector<network::Network> joined;
    try {
        releaseRun(core, entry);
        StartPlan plan = planStart(core, before);
        joined = joinedNetworks(core, plan.network);
        announceEndpoints(core, entry->id(), joined, "connect");
        plan.request.attachments = std::move(run.attachments);
        DAVIT_FAILPOINT("container.rootfs_prepared");
        std::shared_ptr<runtime::Shim> shim =
            runtime::Shim::start(core.monitor, std::move(plan.request), shimEvents(core, entry, run.number));
        DAVIT_FAILPOINT("start.shim_spawned");
        const ContainerState state = runningState(*shim);
        entry->setMounts(std::move(plan.mounts.shown));
        entry->setRunFacts(plan.network, plan.hostname_path, plan.hosts_path, plan.resolv_conf_path);
        saveFact(core, entry, state);
        DAVIT_FAILPOINT("start.running_commit");
        Entry::Started late =
            entry->started(shim, state, [&core](const Container& container) { announce(core.event_log, container, "start"); });
        for (runtime::Attachment& client : late.attachments) shim->attach(std::move(client));
        updateLinkedHosts(core, entry->id());
        if (late.exit)
            core.events.post("exit of " + entry->id(), [&core, entry, number = run.number, exit = *late.exit] {
                containerExited(core, entry, number, exit);
            });
        return true;
    } catch (const runtime::StartError& failure) {
        startFailed(core, entry, before.state, joined, failure, failure.exitCode());
    } catch (const Error& failure) {
        startFailed(core, entry, before.state, joined, failure, kStartFailed);
    } catch (const std::exception& failure) {
        startFailed(core, entry, before.state, joined, Error(Code::system, failure.what()), kStartFailed);
    }
}

runtime::ShimEvents shimEvents(EngineCore& core, const EntryPtr& entry, std::uint64_t run) {
    const std::weak_ptr<Entry> weak = entry;
    runtime::ShimEvents events;
    events.exited = [&core, weak, run](const runtime::ExitInfo& exit) {
        const EntryPtr live = weak.lock();
        if (!live || !live->acceptExit(run, exit)) return;
        core.events.post("exit of " + live->id(), [&core, live, run, exit] { containerExited(core, live, run, exit); });
    };
    events.oom = [&core, weak] {
        if (const EntryPtr live = weak.lock()) live->setOom([&core](const Container& container) { announce(core.event_log, container, "oom"); });
    };
    events.exec_exited = [&core, weak](const std::string& exec_id, int code) {
        const bool first_news = core.execs.ended(exec_id, code);
        const EntryPtr live = weak.lock();
        if (!live) return;
        live->dropExec(exec_id);
        if (first_news) announceExecDeath(core, live->snapshot(), exec_id, code);
    };
    events.detached = [&core, weak](const std::string& exec_id) {
        const EntryPtr live = weak.lock();
        if (!live) return;
        if (exec_id.empty()) return announce(core.event_log, live->snapshot(), "detach");
        announce(core.event_log, live->snapshot(), "exec_detach", {{"execID", exec_id}});
    };
    return events;
}

void containerExited(EngineCore& core, const EntryPtr& entry, std::uint64_t run, const runtime::ExitInfo& exit) {
    DAVIT_FAILPOINT("exit.event_received");
    ContainerState state = entry->state();
    if (!state.running() || entry->runNumber() != run) return;
    state.status = Status::exited;
    state.pid = 0;
    state.exit_code = exit.code;
    // When it was the last thing that happened, only the exit tells of it.
    if (exit.oom && !state.oom_killed) entry->setOom([&core](const Container& container) { announce(core.event_log, container, "oom"); });
    state.oom_killed = state.oom_killed || exit.oom;
    state.finished_at = exit.finished_at == SystemTime{} ? now() : exit.finished_at;
    const std::optional<std::chrono::milliseconds> restart_in = entry->countRestart(state);
    if (restart_in) state.status = Status::restarting;
    // What is removed at once needs no row of its end: should we die before, the next start learns the end from the shim.
    if (!entry->autoRemove()) saveFact(core, entry, state);
    DAVIT_FAILPOINT("exit.commit");
    for (const std::string& exec_id : core.execs.endAll(entry->id()))
        announceExecDeath(core, entry->snapshot(), exec_id, kKilledExec);
    const std::vector<network::Network> joined = joinedNetworks(core, entry->snapshot().network);
    endNetwork(core, entry->id());
    entry->ended(state, [&](const Container& container) {
        announceDeath(core.event_log, container);
        announceEndpoints(core, container.id, joined, "disconnect");
    });
    endMounts(core, entry->id());
    if (entry->autoRemove()) return autoRemove(core, entry, run);
    if (restart_in) return restartLater(core, entry, *restart_in);
    core.cleanup.post("release " + entry->id(), [&core, entry, run] {
        try {
            const Operation operation = entry->begin();
            if (entry->runNumber() == run && !entry->state().running()) releaseRun(core, entry);
        } catch (const Error& failure) {
            if (failure.code() != Code::not_found) throw;  // it was removed meanwhile, and its remains with it
        }
    });
}

void restartLater(EngineCore& core, const EntryPtr& entry, std::chrono::milliseconds delay) {
    core.restarter.schedule(std::chrono::steady_clock::now() + delay, "restart of container " + entry->id(),
                            [&core, entry, run = entry->runNumber()] {
                                if (entry->isGone()) return;
                                const Operation operation = entry->begin();
                                // A client may have stopped or started it meanwhile.
                                if (entry->runNumber() != run || entry->state().status != Status::restarting) return;
                                (void)startContainer(core, entry);
                            });
}

void commitState(EngineCore& core, const EntryPtr& entry, const ContainerState& state, bool starting) {
    core.rows.saveState(entry->id(), stored(entry, state, starting), state::Durability::relaxed);
    entry->setState(state);
}

void releaseRun(EngineCore& core, const EntryPtr& entry) {
    const Defer unmounted([&] { endMounts(core, entry->id()); });
    const std::shared_ptr<runtime::Shim> shim = entry->takeShim();
    if (!shim) return;
    try {
        shim->release();
    } catch (const Error& failure) {
        log::warning("container {}: shim: {}", entry->id(), failure.text());
        runtime::Shim::cleanUp(core.runDir(entry->id()));
    }
    DAVIT_FAILPOINT("exit.unmounted");
    core.parts.layers.releaseMounts(entry->id());
}

void destroyContainer(EngineCore& core, const EntryPtr& entry, const Destruction& how) {
    const Container container = entry->snapshot();
    const std::string& id = container.id;
    const std::vector<std::string> volumes = how.volumes ? anonymousVolumes(container.mounts) : std::vector<std::string>();
    DAVIT_FAILPOINT("rm.intent");
    core.rows.remove(id, volumes, how.durability);
    DAVIT_FAILPOINT("rm.commit");
    releaseMounts(core, container);
    const std::vector<volume::Volume> discarded = discardVolumes(core, volumes);
    core.table.remove(id);
    core.execs.forget(id);
    entry->gone([&core](const Container& gone) { announce(core.event_log, gone, "destroy"); });
    core.cleanup.post("remove " + id, [&core, entry, container, discarded] {
        releaseRun(core, entry);
        removeVolumes(core, discarded);
        for (const runtime::MountPoint& mount : container.mounts)
            if (mount.type == runtime::MountType::image)
                core.parts.layers.removeWritable(imageLayerId(container.id, mount.destination));
        cleanUpRemains(core, entry->id());
    });
}

void cleanUpRemains(EngineCore& core, const std::string& id) {
    runtime::Shim::cleanUp(core.runDir(id));
    core.parts.layers.releaseMounts(id);
    core.parts.layers.removeWritable(id);
    DAVIT_FAILPOINT("rm.rootfs_removed");
    removeTree(core.containerDir(id));
    removeTree(core.runDir(id));
    core.rows.clearIntent(id);
}

}  // namespace davit::engine
