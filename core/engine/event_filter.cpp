#include "engine/event_filter.hpp"

#include <algorithm>
#include <array>

namespace davit::engine {
namespace {

constexpr std::array<std::string_view, 3> kOpenActions = {"exec_create", "exec_start", "health_status"};
constexpr std::array<std::string_view, 9> kObjects = {"container", "network", "volume", "plugin", "daemon",
                                                      "service",   "node",    "secret", "config"};

std::string_view attribute(const Event& event, const std::string& name) {
    const auto found = event.attributes.find(name);
    return found == event.attributes.end() ? std::string_view() : found->second;
}

/// "host:5000/name:tag" without its tag; an id "sha256:…" stays.
std::string_view withoutTag(std::string_view image) {
    const std::size_t colon = image.rfind(':');
    if (colon == std::string_view::npos || image.starts_with("sha256:")) return image;
    return image.find('/', colon) == std::string_view::npos ? image.substr(0, colon) : image;
}

}  // namespace

EventFilter::EventFilter(Filters filters) : filters_(std::move(filters)) {
    const std::vector<std::string>& actions = filters_.values("event");
    action_begins_ = std::any_of(actions.begin(), actions.end(), [](const std::string& action) {
        return std::find(kOpenActions.begin(), kOpenActions.end(), action) != kOpenActions.end();
    });
}

bool EventFilter::accepts(const Event& event) const {
    if (!acceptsAction(event) || !filters_.matchExact("type", eventTypeName(event.type))) return false;
    if (!filters_.matchExact("scope", "local")) return false;
    const std::string_view name = attribute(event, "name");
    for (const std::string_view object : kObjects)
        if (!filters_.matchBeginning(object, event.actor_id) && !filters_.matchBeginning(object, name)) return false;
    return acceptsImage(event) && filters_.matchLabels("label", event.attributes);
}

bool EventFilter::acceptsAction(const Event& event) const {
    return action_begins_ ? filters_.matchBeginning("event", event.action) : filters_.matchExact("event", event.action);
}

bool EventFilter::acceptsImage(const Event& event) const {
    const std::string_view name = attribute(event, event.type == EventType::image ? "name" : "image");
    return filters_.matchExact("image", event.actor_id) || filters_.matchExact("image", name) ||
           filters_.matchExact("image", withoutTag(event.actor_id)) || filters_.matchExact("image", withoutTag(name));
}

}  // namespace davit::engine
