// EngineCore: what the services share: options, stores, the table of containers, the shims' monitor, the background queues.
// Built once by Engine; the services hold references. Threads: any.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>

#include "base/thread_annotations.hpp"
#include "engine/background.hpp"
#include "engine/container_rows.hpp"
#include "engine/container_table.hpp"
#include "engine/engine.hpp"
#include "engine/event_log.hpp"
#include "engine/exec_table.hpp"
#include "engine/restarter.hpp"
#include "runtime/shim_client.hpp"

namespace davit::engine {

class EngineCore {
  public:
    EngineCore(EngineOptions options, const EngineParts& parts);
    EngineCore(const EngineCore&) = delete;
    EngineCore& operator=(const EngineCore&) = delete;
    /// Ends the queues, then the monitor; containers and shims go on.
    ~EngineCore();

    /// The options as they are now; the object never changes.
    [[nodiscard]] std::shared_ptr<const EngineOptions> options() const DAVIT_EXCLUDES(mutex_);
    void setOptions(EngineOptions options) DAVIT_EXCLUDES(mutex_);

    /// Where a container's files are: log, hosts, volumes; and its run-time files.
    [[nodiscard]] std::filesystem::path containerDir(const std::string& id) const;
    [[nodiscard]] std::filesystem::path runDir(const std::string& id) const;

    const EngineParts parts;
    ContainerRows rows;
    ContainerTable table;
    ExecTable execs;
    StartGate starts;
    EventLog event_log;
    std::string daemon_id;  ///< set by restore, then constant
    std::atomic<bool> has_links = false;  ///< some container has legacy links: a start has to look for those linked to it

    TaskQueue events;
    TaskQueue cleanup;
    TaskLanes volume_lanes;  ///< one for each volume driver that others run
    Restarter restarter;
    runtime::ShimMonitor monitor;  ///< after the queues: posts to them until it has ended

  private:
    const std::filesystem::path data_root_;
    const std::filesystem::path exec_root_;
    mutable Mutex mutex_;
    std::shared_ptr<const EngineOptions> options_ DAVIT_GUARDED_BY(mutex_);
};

}  // namespace davit::engine
