// GET /containers/{id}/stats: one sample, one after a second, or one every second, without holding a thread between them.
#pragma once

#include "api/context.hpp"
#include "api/request.hpp"

namespace davit::api {

/// Query: stream (default true), one-shot (with stream=0: doesn't wait for a second sample).
void streamStats(const Context& context, Request& request);

}  // namespace davit::api
