#include "api/views/event_view.hpp"

#include "base/json.hpp"

namespace davit::api {
namespace {

void writeLegacy(json::Writer& out, const engine::Event& event) {
    const bool container = event.type == engine::EventType::container;
    if (!container && event.type != engine::EventType::image) return;
    out.member("status", event.action);
    if (!event.actor_id.empty()) out.member("id", event.actor_id);
    const auto image = event.attributes.find("image");
    if (container && image != event.attributes.end()) out.member("from", image->second);
}

}  // namespace

std::string eventLine(const engine::Event& event, bool legacy) {
    const auto since_epoch = event.time.time_since_epoch();
    json::Writer out;
    out.object([&] {
        if (legacy) writeLegacy(out, event);
        out.member("Type", engine::eventTypeName(event.type)).member("Action", event.action);
        out.object("Actor", [&] { out.member("ID", event.actor_id).member("Attributes", event.attributes); });
        out.member("scope", "local");
        out.member("time", std::chrono::floor<std::chrono::seconds>(since_epoch).count());
        out.member("timeNano", std::chrono::nanoseconds(since_epoch).count());
    });
    return out.take() + "\n";
}

}  // namespace davit::api
