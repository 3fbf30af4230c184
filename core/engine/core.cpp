#include "engine/core.hpp"

namespace davit::engine {
namespace {

/// Clean-up that has piled up this far no longer waits for quiet moments.
constexpr std::size_t kUrgentBacklog = 64;
constexpr std::chrono::milliseconds kMaxPoliteness{100};

}  // namespace

EngineCore::EngineCore(EngineOptions options, const EngineParts& engine_parts)
    : parts(engine_parts),
      rows(engine_parts.database),
      events("davit-events", false),
      cleanup("davit-cleanup", true,
              [this](std::size_t backlog) {
                  if (backlog < kUrgentBacklog) starts.waitQuiet(kMaxPoliteness);
              }),
      monitor({.shim_binary = options.shim, .seccomp_cache = options.exec_root / "seccomp", .prepared = options.prepared_starts}),
      data_root_(options.data_root),
      exec_root_(options.exec_root),
      options_(std::make_shared<const EngineOptions>(std::move(options))) {}

EngineCore::~EngineCore() {
    restarter.stop();
    events.stop();
    cleanup.stop();
    volume_lanes.stop();
    // A Shim needs its monitor, which ends first. Dropping it leaves the container alone.
    for (const EntryPtr& entry : table.all()) (void)entry->takeShim();
}

std::shared_ptr<const EngineOptions> EngineCore::options() const {
    const Lock lock(mutex_);
    return options_;
}

void EngineCore::setOptions(EngineOptions options) {
    auto fresh = std::make_shared<const EngineOptions>(std::move(options));
    const Lock lock(mutex_);
    options_ = std::move(fresh);
}

std::filesystem::path EngineCore::containerDir(const std::string& id) const { return data_root_ / "containers" / id; }

std::filesystem::path EngineCore::runDir(const std::string& id) const { return exec_root_ / "containers" / id; }

}  // namespace davit::engine
