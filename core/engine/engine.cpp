#include "engine/engine.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

#include "base/log.hpp"
#include "engine/announce.hpp"
#include "engine/core.hpp"
#include "engine/restore.hpp"

namespace davit::engine {
namespace {

constexpr std::size_t kStoppers = 16;
constexpr std::chrono::seconds kDrainTimeout{5};
constexpr std::chrono::seconds kCleanupGrace{1};  // what isn't removed by then the next start removes: its intents are rows

managed::ManagedOptions managedOptions(const EngineOptions& options) {
    return {.data_root = options.data_root, .exec_root = options.exec_root, .cgroup_parent = options.cgroup_parent};
}

std::vector<image::ImageUser> usersOf(const ContainerTable& table, const std::string& image_id) {
    std::vector<image::ImageUser> users;
    for (const EntryPtr& entry : table.all()) {
        const Container container = entry->snapshot();
        const bool mounted = std::any_of(container.mounts.begin(), container.mounts.end(),
                                         [&](const runtime::MountPoint& mount) { return mount.image_id == image_id; });
        if (container.image_id == image_id || mounted) users.push_back({container.id, container.state.running()});
    }
    return users;
}

}  // namespace

struct Engine::Impl {
    Impl(EngineOptions options, const EngineParts& parts)
        : core(std::move(options), parts), managed_plugins(managedOptions(*core.options()), parts.database, parts.drivers, core.monitor), plugins(core, managed_plugins), containers(core), execs(core), images(core), networks(core), system(core), volumes(core) {}

    /// Stops what runs, several at a time; each gets at most the shutdown timeout.
    void stopAll() {
        std::vector<std::string> running;
        for (const EntryPtr& entry : core.table.all())
            if (entry->state().running()) running.push_back(entry->id());
        std::atomic<std::size_t> next{0};
        const auto work = [&] {
            for (std::size_t at = next++; at < running.size(); at = next++) stopOne(running[at]);
        };
        std::vector<std::thread> threads;
        for (std::size_t i = 0; i < std::min(kStoppers, running.size()); ++i) threads.emplace_back(work);
        for (std::thread& thread : threads) thread.join();
    }

    void stopOne(const std::string& id) {
        try {
            const auto own = containers.inspect(id).config->stop_timeout;
            const int limit = static_cast<int>(core.options()->shutdown_timeout_s);
            containers.stop(id, {.signal = {}, .timeout = std::min(static_cast<int>(own.value_or(limit)), limit), .by_daemon = true});
        } catch (const std::exception& failure) {
            log::error("container {}: stop: {}", id, failure.what());
        }
    }

    EngineCore core;
    managed::ManagedPlugins managed_plugins;
    PluginService plugins;
    ContainerService containers;
    ExecService execs;
    ImageService images;
    NetworkService networks;
    SystemService system;
    VolumeService volumes;
};

std::vector<state::Schema> Engine::schemas() { return {ContainerRows::schema(), managed::ManagedPlugins::schema()}; }

Engine::Engine(EngineOptions options, EngineParts parts) : impl_(std::make_unique<Impl>(std::move(options), parts)) {
    parts.images.setUsers([impl = impl_.get()](const std::string& id) { return usersOf(impl->core.table, id); });
    parts.images.setEvents([impl = impl_.get()](const image::ImageEvent& event) { announce(impl->core.event_log, event); });
}

Engine::~Engine() {
    impl_->core.parts.images.setUsers({});
    impl_->core.parts.images.setEvents({});
}

void Engine::restore() {
    impl_->managed_plugins.restore();
    restoreContainers(impl_->core);
}

void Engine::reload(const EngineOptions& options) {
    EngineOptions merged = *impl_->core.options();
    merged.runtimes = options.runtimes;
    merged.default_runtime = options.default_runtime;
    merged.default_ulimits = options.default_ulimits;
    merged.labels = options.labels;
    merged.default_shm_size = options.default_shm_size;
    merged.default_cgroupns_mode = options.default_cgroupns_mode;
    merged.dns = options.dns;
    merged.dns_options = options.dns_options;
    merged.dns_search = options.dns_search;
    merged.debug = options.debug;
    merged.live_restore = options.live_restore;
    merged.shutdown_timeout_s = options.shutdown_timeout_s;
    impl_->core.setOptions(std::move(merged));
    announceReload(impl_->core.event_log, impl_->system.info(), *impl_->core.options());
}

void Engine::shutdown() {
    impl_->core.restarter.stop();
    impl_->managed_plugins.stop();
    if (!impl_->core.options()->live_restore) impl_->stopAll();
    (void)impl_->core.events.drain(kDrainTimeout);
    (void)impl_->core.cleanup.drain(kCleanupGrace);
    (void)impl_->core.volume_lanes.drain(kDrainTimeout);
    if (!impl_->core.options()->live_restore) impl_->managed_plugins.endPrograms();
}

ContainerService& Engine::containers() noexcept { return impl_->containers; }
ExecService& Engine::execs() noexcept { return impl_->execs; }
ImageService& Engine::images() noexcept { return impl_->images; }
PluginService& Engine::plugins() noexcept { return impl_->plugins; }
NetworkService& Engine::networks() noexcept { return impl_->networks; }
EventLog& Engine::events() noexcept { return impl_->core.event_log; }
SystemService& Engine::system() noexcept { return impl_->system; }
VolumeService& Engine::volumes() noexcept { return impl_->volumes; }

}  // namespace davit::engine
