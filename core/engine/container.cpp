#include "engine/container.hpp"

#include <array>
#include <utility>

namespace davit::engine {
namespace {

constexpr std::array<std::pair<Status, std::string_view>, 7> kNames = {{{Status::created, "created"},
                                                                        {Status::running, "running"},
                                                                        {Status::paused, "paused"},
                                                                        {Status::restarting, "restarting"},
                                                                        {Status::removing, "removing"},
                                                                        {Status::exited, "exited"},
                                                                        {Status::dead, "dead"}}};

}  // namespace

std::string_view statusName(Status status) {
    for (const auto& [value, name] : kNames)
        if (value == status) return name;
    return "dead";
}

void NetworkSettings::endRun() {
    sandbox_id.clear();
    sandbox_key.clear();
    ports.clear();
    for (auto& [name, endpoint] : networks) {
        EndpointSettings kept;
        kept.config = std::move(endpoint.config);
        kept.network_id = std::move(endpoint.network_id);
        endpoint = std::move(kept);
    }
}

std::optional<Status> parseStatus(std::string_view name) {
    for (const auto& [value, text] : kNames)
        if (text == name) return value;
    return std::nullopt;
}

}  // namespace davit::engine
