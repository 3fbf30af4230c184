#include "engine/announce.hpp"

#include <algorithm>

#include "base/json.hpp"

namespace davit::engine {

void announce(EventLog& events, const Container& container, std::string action, EventAttributes more) {
    EventAttributes attributes = std::move(more);
    // As in dockerd: a label doesn't hide what the event itself says, and name and image hide both.
    attributes.insert(container.config->labels.begin(), container.config->labels.end());
    if (!container.image_ref.empty()) attributes["image"] = container.image_ref;
    attributes["name"] = container.name;
    events.publish(EventType::container, std::move(action), container.id, std::move(attributes));
}

void announceDeath(EventLog& events, const Container& container) {
    const ContainerState& state = container.state;
    std::int64_t seconds = 0;
    if (state.started_at && state.finished_at)
        seconds = std::chrono::duration_cast<std::chrono::seconds>(*state.finished_at - *state.started_at).count();
    announce(events, container, "die",
             {{"exitCode", std::to_string(state.exit_code)}, {"execDuration", std::to_string(std::max<std::int64_t>(0, seconds))}});
}

void announce(EventLog& events, const network::Network& network, std::string action, const std::string& container_id) {
    EventAttributes attributes = {{"name", network.config.name}, {"type", network.config.driver}};
    if (!container_id.empty()) attributes["container"] = container_id;
    events.publish(EventType::network, std::move(action), network.id, std::move(attributes));
}

void announce(EventLog& events, const image::ImageEvent& event) {
    EventAttributes attributes = event.labels;
    if (!event.name.empty()) attributes["name"] = event.name;
    events.publish(EventType::image, event.action, event.image_id, std::move(attributes));
}

void announce(EventLog& events, const volume::Volume& volume, std::string action, EventAttributes more) {
    more["driver"] = volume.driver;
    events.publish(EventType::volume, std::move(action), volume.name, std::move(more));
}

void announceMount(EventLog& events, const std::string& container_id, const runtime::MountPoint& mount) {
    events.publish(EventType::volume, "mount", mount.name,
                   {{"driver", mount.driver},
                    {"container", container_id},
                    {"destination", mount.destination},
                    {"read/write", mount.rw ? "true" : "false"},
                    {"propagation", mount.propagation}});
}

void announceUnmount(EventLog& events, const std::string& volume, const std::string& driver, const std::string& container_id) {
    events.publish(EventType::volume, "unmount", volume, {{"driver", driver}, {"container", container_id}});
}

void announceReload(EventLog& events, const SystemInfo& info, const EngineOptions& options) {
    const auto flag = [](bool value) { return std::string(value ? "true" : "false"); };
    std::string runtimes;
    for (const RuntimeInfo& runtime : info.runtimes) runtimes += (runtimes.empty() ? "" : " ") + runtime.name + ":" + runtime.path;
    events.publish(EventType::daemon, "reload", info.id,
                   {{"name", info.name},
                    {"debug", flag(info.debug)},
                    {"default-cgroupns-mode", options.default_cgroupns_mode},
                    {"default-ipc-mode", options.default_ipc_mode},
                    {"default-runtime", info.default_runtime},
                    {"default-shm-size", std::to_string(options.default_shm_size)},
                    {"labels", json::Writer().value(info.labels).take()},
                    {"live-restore", flag(info.live_restore)},
                    {"runtimes", runtimes},
                    {"shutdown-timeout", std::to_string(options.shutdown_timeout_s)}});
}

void announcePrune(EventLog& events, EventType type, std::uint64_t reclaimed_bytes) {
    events.publish(type, "prune", {}, {{"reclaimed", std::to_string(reclaimed_bytes)}});
}

}  // namespace davit::engine
