// Containers as Docker's JSON.
#pragma once

#include <string>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "engine/container.hpp"
#include "engine/exec_service.hpp"

namespace davit::api {

/// "Up 5 minutes", "Exited (0) 2 hours ago", "Created", … as `docker ps` shows it at the moment `at`.
[[nodiscard]] std::string statusText(const engine::ContainerState& state, SystemTime at);
/// Program and arguments in one line; arguments with a space get single quotes.
[[nodiscard]] std::string commandText(const engine::Container& container);

/// One element of GET /containers/json. `image` is what to show as the image's name.
void writeContainerSummary(json::Writer& out, const engine::Container& container, const std::string& image,
                           SystemTime at);
/// GET /containers/{id}/json.
void writeContainerDetails(json::Writer& out, const engine::Container& container);
/// GET /exec/{id}/json.
void writeExec(json::Writer& out, const engine::Exec& exec);

// Used by the two above.
void writeMounts(json::Writer& out, const engine::Container& container);
void writeEndpoints(json::Writer& out, const engine::Container& container);
void writeNetworkSettings(json::Writer& out, const engine::Container& container);

}  // namespace davit::api
