// GET /events.
#include "api/event_hub.hpp"
#include "api/handlers/handlers.hpp"

namespace davit::api {

void addEventRoutes(Router& router, const Context& context) {
    const auto hub = std::make_shared<EventHub>(context);
    hub->connect();
    router.add("GET", "/events", [hub](Request& request) { hub->serve(request); });
}

}  // namespace davit::api
