#include "base/check.hpp"
#include "base/defer.hpp"
#include "base/log.hpp"
#include "engine/announce.hpp"
#include "engine/container_network.hpp"
#include "engine/core.hpp"
#include "engine/lifecycle.hpp"
#include "engine/names.hpp"
#include "engine/stopping.hpp"
#include "engine/time_filter.hpp"

namespace davit::engine {
namespace {

/// The bytes that go with the container; 0 when the storage driver can't tell.
std::int64_t sizeOf(const EngineCore& core, const std::string& id) {
    try {
        return std::max<std::int64_t>(0, core.parts.layers.writableSize(id));
    } catch (const Error& failure) {
        log::warning("container {}: size: {}", id, failure.text());
        return 0;
    }
}

}  // namespace

void ContainerService::restart(const std::string& ref, const StopOptions& options) {
    const EntryPtr entry = core_.table.resolve(ref);
    const Operation operation = entry->begin();
    try {
        (void)stopContainer(core_, entry, options);
        entry->resetRestarts();
        (void)startContainer(core_, entry);
    } catch (const Error& failure) {
        throw Error(failure.code(), fmt::format("Cannot restart container {}: {}", ref, failure.text()), failure.sysErrno());
    }
    announce(core_.event_log, entry->snapshot(), "restart");
}

void ContainerService::pause(const std::string& ref) {
    const EntryPtr entry = core_.table.resolve(ref);
    const Operation operation = entry->begin();
    pauseContainer(core_, entry);
}

void ContainerService::unpause(const std::string& ref) {
    const EntryPtr entry = core_.table.resolve(ref);
    const Operation operation = entry->begin();
    resumeContainer(core_, entry);
}

void ContainerService::rename(const std::string& ref, std::string name) {
    const EntryPtr entry = core_.table.resolve(ref);
    if (name.starts_with('/')) name.erase(0, 1);
    if (name.empty()) throw Error(Code::invalid, "Neither old nor new names may be empty");
    const Operation operation = entry->begin();
    const std::string before = entry->name();
    if (name == before) throw Error(Code::invalid, "Renaming a container with the same name as its current name");
    if (!isContainerName(name))
        throw error(Code::invalid, "Error when allocating new name: Invalid container name ({}), only [a-zA-Z0-9][a-zA-Z0-9_.-] "
                                   "are allowed", name);
    try {
        core_.table.reserveName(name, entry->id());
    } catch (const Error& failure) {
        throw Error(failure.code(), "Error when allocating new name: " + failure.text());
    }
    Defer free_name([&] { core_.table.releaseName(name, entry->id()); });
    core_.rows.rename(entry->id(), name);
    free_name.dismiss();
    entry->setName(name, [&](const Container& container) {
        announce(core_.event_log, container, "rename", {{"oldName", "/" + before}});
    });
    core_.table.releaseName(before, entry->id());
    renameOnNetworks(core_, entry);
}

PrunedContainers ContainerService::prune(const Filters& filters) {
    filters.allowOnly({"label", "label!", "until"});
    const std::optional<SystemTime> until = untilFilter(filters);
    if (pruning_.exchange(true)) throw Error(Code::conflict, "a prune operation is already running");
    const Defer done([this] { pruning_ = false; });
    PrunedContainers pruned;
    for (const EntryPtr& entry : core_.table.all()) {
        const Container container = entry->snapshot();
        if (container.state.running() || container.state.status == Status::restarting) continue;
        if (until && container.created > *until) continue;
        if (!filters.matchLabels("label", container.config->labels)) continue;
        if (filters.has("label!") && filters.matchLabels("label!", container.config->labels)) continue;
        const std::int64_t size = sizeOf(core_, container.id);
        try {
            remove(container.id, {});
        } catch (const Error& failure) {  // as Docker: the others are pruned nevertheless
            log::warning("failed to prune container {}: {}", container.id, failure.text());
            continue;
        }
        pruned.ids.push_back(container.id);
        pruned.space_reclaimed += size;
    }
    announcePrune(core_.event_log, EventType::container, static_cast<std::uint64_t>(pruned.space_reclaimed));
    return pruned;
}

}  // namespace davit::engine
