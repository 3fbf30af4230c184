// Announcements: the events of containers, networks, images and the daemon, with the attributes that Docker's clients know. Threads: any;
// they are called when the change is committed, under the object's own lock where another change could follow at once.
#pragma once

#include <string>

#include "engine/container.hpp"
#include "engine/event_log.hpp"
#include "engine/options.hpp"
#include "engine/system_service.hpp"
#include "image/image_store.hpp"
#include "network/network.hpp"
#include "volume/volume.hpp"

namespace davit::engine {

/// With the container's labels, image and name, and `more`.
void announce(EventLog& events, const Container& container, std::string action, EventAttributes more = {});

/// With exit code and duration of the run that `container.state` tells of.
void announceDeath(EventLog& events, const Container& container);

/// With the network's name and driver, and the container that it is about, if any.
void announce(EventLog& events, const network::Network& network, std::string action, const std::string& container_id = {});

void announce(EventLog& events, const image::ImageEvent& event);

/// The daemon has taken over another configuration: what it is now.
/// `action` of the volume itself: create, destroy and davit's own.
void announce(EventLog& events, const volume::Volume& volume, std::string action, EventAttributes more = {});
void announceMount(EventLog& events, const std::string& container_id, const runtime::MountPoint& mount);
void announceUnmount(EventLog& events, const std::string& volume, const std::string& driver, const std::string& container_id);

void announceReload(EventLog& events, const SystemInfo& info, const EngineOptions& options);

/// A prune has gone through.
void announcePrune(EventLog& events, EventType type, std::uint64_t reclaimed_bytes);

}  // namespace davit::engine
