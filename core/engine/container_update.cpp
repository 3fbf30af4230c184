#include "base/check.hpp"
#include "base/defer.hpp"
#include "base/log.hpp"
#include "engine/announce.hpp"
#include "engine/core.hpp"
#include "engine/create_checks.hpp"
#include "runtime/resource_update.hpp"
#include "runtime/resource_validation.hpp"
#include "runtime/spec_builder.hpp"

namespace davit::engine {
namespace {

using runtime::Resources;

template <typename Value>
void take(Value& target, const Value& wanted) {
    if (wanted != Value{}) target = wanted;
}

void checkConflicts(const Resources& wanted, const Resources& now) {
    const auto refuse = [](bool conflict, const char* what, const char* other) {
        if (conflict)
            throw error(Code::conflict, "Conflicting options: {} cannot be updated as {} has already been set", what, other);
    };
    refuse(wanted.nano_cpus > 0 && now.cpu_period > 0, "Nano CPUs", "CPU Period");
    refuse(wanted.nano_cpus > 0 && now.cpu_quota > 0, "Nano CPUs", "CPU Quota");
    refuse(wanted.cpu_period > 0 && now.nano_cpus > 0, "CPU Period", "NanoCPUs");
    refuse(wanted.cpu_quota > 0 && now.nano_cpus > 0, "CPU Quota", "NanoCPUs");
    if (wanted.memory > now.memory_swap && now.memory_swap > 0 && wanted.memory_swap == 0)
        throw Error(Code::conflict, "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at "
                                    "the same time");
}

/// What isn't mentioned stays as it is.
void merge(Resources& resources, const Resources& wanted) {
    checkConflicts(wanted, resources);
    take(resources.blkio_weight, wanted.blkio_weight);
    take(resources.cpu_shares, wanted.cpu_shares);
    take(resources.nano_cpus, wanted.nano_cpus);
    take(resources.cpu_period, wanted.cpu_period);
    take(resources.cpu_quota, wanted.cpu_quota);
    take(resources.cpu_realtime_period, wanted.cpu_realtime_period);
    take(resources.cpu_realtime_runtime, wanted.cpu_realtime_runtime);
    take(resources.cpuset_cpus, wanted.cpuset_cpus);
    take(resources.cpuset_mems, wanted.cpuset_mems);
    take(resources.memory, wanted.memory);
    take(resources.memory_swap, wanted.memory_swap);
    take(resources.memory_reservation, wanted.memory_reservation);
    if (wanted.pids_limit) resources.pids_limit = *wanted.pids_limit > 0 ? *wanted.pids_limit : -1;
}

}  // namespace

std::vector<std::string> ContainerService::update(const std::string& ref, const UpdateRequest& request) {
    const EntryPtr entry = core_.table.resolve(ref);
    const Operation operation = entry->begin();
    const Container before = entry->snapshot();
    if (before.state.dead() || before.state.status == Status::removing)
        throw error(Code::conflict, "Cannot update container {}: container is marked for removal and cannot be \"update\".", before.id);
    runtime::HostConfig host = *before.host_config;
    merge(host, request.resources);
    if (!request.restart_policy.name.empty()) host.restart_policy = request.restart_policy;
    if (host.auto_remove && host.restart_policy.name != "no")
        throw Error(Code::conflict, "Restart policy cannot be updated because AutoRemove is enabled for the container");
    checkRestartPolicy(host);
    std::vector<std::string> warnings = runtime::validateResources(host);
    Container after = before;
    after.host_config = std::make_shared<const runtime::HostConfig>(std::move(host));
    const std::string path = runtime::cgroupPath(before.id, *before.host_config, core_.options()->cgroup_parent);
    const auto writes = [&](const Container& of) {
        return runtime::resourceWrites(linux::hostCgroupLayout(), path, *of.host_config);
    };
    core_.rows.saveConfig(after);
    Defer undo([&] {
        core_.rows.saveConfig(before);
        runtime::applyWrites(writes(before));
    });
    try {
        if (before.state.running()) runtime::applyWrites(writes(after));
    } catch (const Error& failure) {
        throw Error(failure.code(), fmt::format("Cannot update container {}: {}", before.id, failure.text()), failure.sysErrno());
    }
    undo.dismiss();
    entry->setHostConfig(after.host_config, [&](const Container& container) { announce(core_.event_log, container, "update"); });
    return warnings;
}

}  // namespace davit::engine
