// A container's side of its networks: which it is on, its sandbox, and what inspect shows of both.
//
// The row of the container says which networks it shall be on; the controller's rows say what a running one has. Whoever
// changes both writes the container's row first, and restoreNetwork() makes the two agree after a kill -9 in between.
//
// Threads: any; the caller holds the container's Operation.
#pragma once

#include <string>
#include <vector>

#include "engine/core.hpp"
#include "engine/resolv_conf.hpp"

namespace davit::engine {

/// Where a container is to be at its start: the network of its mode and those of the request, under their own names. A network
/// that isn't there is kept under the name it was given if it is the mode's; the start fails then. Throws Error{not_found} for
/// others, {invalid} for what can't be together.
[[nodiscard]] NetworkSettings wantedNetwork(const EngineCore& core, const runtime::ContainerConfig& config,
                                            const runtime::HostConfig& host,
                                            const std::map<std::string, network::EndpointConfig>& asked);

/// Makes what the container's run needs and fills container.network. Throws what the client reads as "failed to set up
/// container networking: …".
[[nodiscard]] Resolving openNetwork(EngineCore& core, Container& container);

/// Whom the embedded resolver asks for the container.
[[nodiscard]] network::NameServers serversFor(const Container& container);

/// What the controller needs to put the container on the network.
[[nodiscard]] network::EndpointRequest endpointRequest(const Container& container, const std::string& network,
                                                       const network::EndpointConfig& config);

/// The networks that a run with these settings is on.
[[nodiscard]] std::vector<network::Network> joinedNetworks(const EngineCore& core, const NetworkSettings& settings);

/// After a rename: others on its networks find a running container by its new name and no longer by the old one. A fault is logged.
void renameOnNetworks(EngineCore& core, const EntryPtr& entry);

/// The run is over or came to nothing: what it had is given back in the background.
void endNetwork(EngineCore& core, const std::string& container_id);

/// NetworkSettings of a running container with this sandbox.
[[nodiscard]] NetworkSettings runningNetwork(const EngineCore& core, const Container& container, const network::Sandbox& sandbox);

/// NetworkSettings of a running container without a sandbox. The ids follow from the container's, so a restart of the daemon
/// shows the same.
[[nodiscard]] NetworkSettings bareNetwork(const EngineCore& core, const Container& container);

/// After a restart of the daemon: takes up a running container's sandbox; ends a connect or disconnect that was under way.
void restoreNetwork(EngineCore& core, const EntryPtr& entry);

/// What the container's configuration exposes and publishes. Throws Error{invalid} for ports that are none.
[[nodiscard]] network::PortSettings portSettings(const runtime::ContainerConfig& config, const runtime::HostConfig& host);

}  // namespace davit::engine
