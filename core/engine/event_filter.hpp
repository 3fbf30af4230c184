// EventFilter: which events a reader of GET /events wants to see, with dockerd's rules:
//
//     type, scope, event                       exact; event by its beginning when it names exec_create, exec_start or
//                                              health_status, whose actions go on with a command
//     container, network, volume, plugin, …    the actor's id or its attribute "name" begins with it, whatever its type
//     image                                    the image's id or name, or the image that a container is of; exact, the name
//                                              with or without its tag
//     label                                    "key" or "key=value"; all of them
//
// Several values of one name are alternatives, several names all hold. Names that aren't known filter nothing. A value.
#pragma once

#include "engine/event_log.hpp"
#include "engine/filters.hpp"

namespace davit::engine {

class EventFilter {
  public:
    explicit EventFilter(Filters filters);
    [[nodiscard]] bool accepts(const Event& event) const;

  private:
    [[nodiscard]] bool acceptsAction(const Event& event) const;
    [[nodiscard]] bool acceptsImage(const Event& event) const;

    Filters filters_;
    bool action_begins_ = false;
};

}  // namespace davit::engine
