// POST /containers/{id}/wait: an answer that begins at once and ends when the container does, without holding a thread.
#pragma once

#include "api/context.hpp"
#include "api/request.hpp"

namespace davit::api {

/// The head goes out as soon as the wait is registered: clients start the container only after it (API 1.30).
void waitForContainer(const Context& context, Request& request);

}  // namespace davit::api
