#include "engine/restore.hpp"

#include <chrono>
#include <filesystem>
#include <set>
#include <thread>

#include "base/check.hpp"
#include "base/file.hpp"
#include "base/id.hpp"
#include "base/log.hpp"
#include "engine/container_mounts.hpp"
#include "engine/container_network.hpp"
#include "engine/host_info.hpp"
#include "engine/lifecycle.hpp"
#include "engine/orphans.hpp"

namespace davit::engine {
namespace {

constexpr int kKilled = 137;
constexpr int kMachineWentDown = 255;  // what dockerd records for containers that ended with the machine

/// True when the machine has been started anew since the last daemon.
bool machineRestarted(EngineCore& core) {
    const std::string boot = bootId();
    const std::optional<std::string> last = core.rows.fact("boot_id");
    if (last != boot) core.rows.setFact("boot_id", boot);
    return last && *last != boot;
}

void setDaemonId(EngineCore& core) {
    std::optional<std::string> id = core.rows.fact("daemon_id");
    if (!id) {
        id = randomId();
        core.rows.setFact("daemon_id", *id);
    }
    core.daemon_id = *id;
}

void markDead(Container& container, const std::string& why) {
    log::error("container {}: {}", container.id, why);
    container.state.status = Status::dead;
    container.state.pid = 0;
    container.state.error = why;
}

/// What a row doesn't keep because it follows from the rest.
void complete(EngineCore& core, Container& container) {
    const auto existing = [&](const char* name) {
        std::error_code ignored;
        const std::filesystem::path path = core.runDir(container.id) / name;
        return std::filesystem::exists(path, ignored) ? path.string() : std::string();
    };
    container.hostname_path = existing("hostname");
    container.hosts_path = existing("hosts");
    container.resolv_conf_path = existing("resolv.conf");
    if (container.network.networks.empty() && container.network.sandbox_id.empty() && !container.host_config->network_mode.empty())
        container.network = wantedNetwork(core, *container.config, *container.host_config, {});  // a row of an older version
}

/// How the run ended that no shim answers for.
runtime::ExitInfo lostExit(EngineCore& core, const std::string& id, bool machine_restarted) {
    if (const auto exit = runtime::Shim::readExit(core.runDir(id))) return *exit;
    runtime::ExitInfo exit;
    exit.code = machine_restarted ? kMachineWentDown : kKilled;
    exit.finished_at = now();
    return exit;
}

/// Takes up a run that was going on, or starting, when the last daemon ended.
void takeUpRun(EngineCore& core, const EntryPtr& entry, bool was_starting, bool machine_restarted) {
    const std::string& id = entry->id();
    const Entry::Run run = entry->beginRun();
    std::shared_ptr<runtime::Shim> shim =
        runtime::Shim::reconnect(core.monitor, core.runDir(id), shimEvents(core, entry, run.number));
    ContainerState state = entry->state();
    const runtime::ShimState live = shim ? shim->state() : runtime::ShimState{};
    if (was_starting && !live.running && !live.exit && !runtime::Shim::readExit(core.runDir(id))) {
        // The program was never started.
        runtime::Shim::cleanUp(core.runDir(id));
        endMounts(core, id);
        entry->failed(state);
        return commitState(core, entry, state);
    }
    state.status = live.paused ? Status::paused : Status::running;
    if (was_starting) {
        state = ContainerState{};
        state.status = Status::running;
        state.started_at = live.started_at == SystemTime{} ? now() : live.started_at;
    }
    state.pid = live.pid;
    if (shim && live.running) (void)core.parts.layers.rootMounts(id);
    const Entry::Started started = entry->started(shim, state);
    if (shim && live.running) return commitState(core, entry, state);
    const runtime::ExitInfo exit = live.exit      ? *live.exit
                                   : started.exit ? *started.exit
                                                  : lostExit(core, id, machine_restarted);
    if (!shim) runtime::Shim::cleanUp(core.runDir(id));
    containerExited(core, entry, run.number, exit);
}

void restoreRow(EngineCore& core, Row row, bool machine_restarted) {
    Container& container = row.container;
    if (!row.damage.empty()) {
        markDead(container, "its record is damaged: " + row.damage);
    } else {
        complete(core, container);
        if (!core.parts.layers.hasWritable(container.id)) markDead(container, "its layer is missing");
    }
    (void)core.table.tryReserveName(container.name, container.id);
    const bool take_up = !container.state.dead() && (row.starting || container.state.running());
    restoreMounts(core, container, take_up);
    // Waiting for its restart, which the policy decides on again.
    if (container.state.status == Status::restarting) container.state.status = Status::exited;
    const bool remove = container.host_config->auto_remove && container.state.status == Status::exited;
    if (!container.host_config->links.empty()) core.has_links = true;
    const auto entry = std::make_shared<Entry>(std::move(container));
    core.table.add(entry);
    if (take_up) takeUpRun(core, entry, row.starting && !entry->state().running(), machine_restarted);
    if (entry->state().running()) restoreNetwork(core, entry);
    if (remove) {
        const Operation operation = entry->begin();
        destroyContainer(core, entry, {.durability = state::Durability::relaxed, .volumes = true});
    }
}

/// What networks still have of containers that don't run.
void endOtherSandboxes(EngineCore& core) {
    std::set<std::string> running;
    for (const EntryPtr& entry : core.table.all())
        if (entry->state().running()) running.insert(entry->id());
    for (const std::string& id : core.parts.networks.retireOthers(running))
        core.cleanup.post("sandbox " + id, [&core, id] { core.parts.networks.sweep(id); });
}

/// What drivers still have mounted for containers that don't run.
void endOtherMounts(EngineCore& core) {
    std::set<std::string> running;
    for (const EntryPtr& entry : core.table.all())
        if (entry->state().running()) running.insert(entry->id());
    unmountAll(core, core.parts.volumes.retireOthers(running));
}

void finishIntents(EngineCore& core) {
    for (const Intent& intent : core.rows.intents()) {
        if (core.table.find(intent.id)) continue;
        log::info("finishing the {} of container {}", intent.operation, intent.id);
        try {
            removeVolumes(core, discardVolumes(core, intent.volumes));
            cleanUpRemains(core, intent.id);
        } catch (const Error& failure) {  // kept for the next start
            log::error("container {}: {}", intent.id, failure.text());
        }
    }
}

/// What is to run with the daemon: in the background, now that everything half done has been cleared.
void startByPolicy(EngineCore& core) {
    for (const EntryPtr& entry : core.table.all()) {
        const Container container = entry->snapshot();
        if (container.state.status == Status::restarting) continue;  // it has just been found to have ended
        if (!wantsStartWithDaemon(container.host_config->restart_policy, container.state, container.restart_count)) continue;
        ContainerState state = container.state;
        state.status = Status::restarting;
        entry->setState(state);
        restartLater(core, entry, std::chrono::milliseconds(0));
    }
    core.restarter.begin();
}

void reconcileLayers(EngineCore& core) {
    std::vector<std::string> known;
    for (const EntryPtr& entry : core.table.all()) {
        known.push_back(entry->id());
        for (const runtime::MountPoint& mount : entry->snapshot().mounts)
            if (mount.type == runtime::MountType::image) known.push_back(imageLayerId(entry->id(), mount.destination));
    }
    const image::LayerReconciliation done = core.parts.layers.reconcile(known);
    for (const std::string& id : done.removed) log::info("removed the layer {}, which nothing knows", id);
    for (const std::string& chain : done.missing) log::error("layer {} is missing in the storage driver", chain);
    for (const std::string& failure : done.failed) log::error("layer {}", failure);
}

}  // namespace

void restoreContainers(EngineCore& core) {
    setDaemonId(core);
    core.parts.networks.restore();
    core.parts.volumes.restore(core.parts.database.quarantined().has_value());
    const bool machine_restarted = machineRestarted(core);
    for (Row& row : core.rows.load()) {
        const std::string id = row.container.id;
        try {
            restoreRow(core, std::move(row), machine_restarted);
        } catch (const Error& failure) {
            log::error("container {}: {}", id, failure.text());
            if (const EntryPtr entry = core.table.find(id)) {
                ContainerState state = entry->state();
                state.status = Status::dead;
                state.error = failure.text();
                entry->failed(state);
            }
        }
    }
    endOtherMounts(core);
    endOrphans(core);
    endOtherSandboxes(core);
    finishIntents(core);
    reconcileLayers(core);
    removeOrphanFiles(core);
    if (core.parts.volumes.hasUnfinished())
        core.volume_lanes.post("unfinished", "finish what was half done with volumes", [&core] { core.parts.volumes.finish(); });
    startByPolicy(core);
}

}  // namespace davit::engine
