#include "engine/stopping.hpp"

#include <csignal>

#include "base/check.hpp"
#include "base/log.hpp"
#include "engine/announce.hpp"
#include "engine/lifecycle.hpp"
#include "runtime/config_validation.hpp"

namespace davit::engine {
namespace {

constexpr std::chrono::seconds kKillTimeout{10};
constexpr int kDefaultStopTimeout = 10;

int stopSignal(const runtime::ContainerConfig& config) {
    return config.stop_signal.empty() ? SIGTERM : runtime::parseSignal(config.stop_signal);
}

/// As in dockerd: a signal to a halted container lets it go on, unless the container has a stop signal and this is another.
bool letsGoOn(const Container& container, int signal) {
    if (!container.state.paused()) return false;
    return signal == SIGKILL || container.config->stop_signal.empty() || signal == stopSignal(*container.config);
}

void setPaused(EngineCore& core, const EntryPtr& entry, bool paused) {
    const bool runs = entry->setPaused(
        paused, [&](const Container& container) { announce(core.event_log, container, paused ? "pause" : "unpause"); });
    if (!runs) throw error(Code::conflict, "Container {} is not running", entry->id());
}

void sendSignal(EngineCore& core, const EntryPtr& entry, runtime::Shim& shim, int signal) {
    try {
        shim.kill(signal);
        if (!letsGoOn(entry->snapshot(), signal)) return;
        shim.resume();
        setPaused(core, entry, false);
    } catch (const Error& failure) {
        // Without its shim the end is reported by the monitor; only a program that really runs on is a failure.
        if (signal != SIGKILL) throw;
        if (failure.code() == Code::conflict) return;
        log::warning("container {}: kill through its shim: {}", entry->id(), failure.text());
        runtime::Shim::cleanUp(core.runDir(entry->id()));
    }
}

/// Nothing runs: it stays as it is.
bool stopRestarting(EngineCore& core, const EntryPtr& entry) {
    ContainerState state = entry->state();
    state.status = Status::exited;
    state.stopped_by_client = true;
    commitState(core, entry, state);
    entry->ended(state, [&](const Container& container) { announce(core.event_log, container, "stop"); });  // wakes who waits
    releaseRun(core, entry);
    return true;
}

}  // namespace

void killContainer(EngineCore& core, const EntryPtr& entry, int signal) {
    const std::uint64_t run = entry->runNumber();
    const std::shared_ptr<runtime::Shim> shim = entry->shim();
    if (!shim) throw error(Code::conflict, "container {} is not running", entry->id());
    // Before the signal is sent: its death must not be told of first.
    entry->tellWhileRunning([&](const Container& container) {
        announce(core.event_log, container, "kill", {{"signal", std::to_string(signal)}});
    });
    sendSignal(core, entry, *shim, signal);
    if (signal != SIGKILL) return;
    if (!entry->waitEnd(run, std::chrono::steady_clock::now() + kKillTimeout))
        throw error(Code::deadline, "container {} did not exit within {} seconds of the KILL", entry->id(),
                    kKillTimeout.count());
}

bool stopContainer(EngineCore& core, const EntryPtr& entry, const StopOptions& options) {
    const Container container = entry->snapshot();
    if (container.state.status == Status::restarting) return stopRestarting(core, entry);
    if (!container.state.running()) return false;
    const int signal = options.signal.empty() ? stopSignal(*container.config) : runtime::parseSignal(options.signal);
    const int timeout =
        options.timeout.value_or(static_cast<int>(container.config->stop_timeout.value_or(kDefaultStopTimeout)));
    const std::uint64_t run = entry->runNumber();
    try {
        if (!options.by_daemon) entry->setStoppedByClient();
        killContainer(core, entry, signal);
        std::optional<SteadyTime> deadline;
        if (timeout >= 0) deadline = std::chrono::steady_clock::now() + std::chrono::seconds(timeout);
        if (!entry->waitEnd(run, deadline)) killContainer(core, entry, SIGKILL);
    } catch (const Error& failure) {
        if (failure.code() != Code::conflict) throw;  // it has just ended by itself
    }
    announce(core.event_log, entry->snapshot(), "stop");
    return true;
}

void pauseContainer(EngineCore& core, const EntryPtr& entry) {
    const std::shared_ptr<runtime::Shim> shim = entry->shim();
    if (!shim) throw error(Code::conflict, "Container {} is not running", entry->id());
    if (entry->state().paused()) throw error(Code::conflict, "Container {} is already paused", entry->id());
    try {
        shim->pause();
    } catch (const Error& failure) {
        throw error(failure.code(), "Cannot pause container {}: {}", entry->id(), failure.text());
    }
    setPaused(core, entry, true);
}

void resumeContainer(EngineCore& core, const EntryPtr& entry) {
    const std::shared_ptr<runtime::Shim> shim = entry->shim();
    if (!shim || !entry->state().paused()) throw error(Code::system, "Container {} is not paused", entry->id());
    try {
        shim->resume();
    } catch (const Error& failure) {
        throw error(failure.code(), "Cannot unpause container {}: {}", entry->id(), failure.text());
    }
    setPaused(core, entry, false);
}

}  // namespace davit::engine
