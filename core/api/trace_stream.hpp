// GET /davit/plugins/{name}/trace: the calls of a driver, as lines of JSON, for as long as the client listens. A client costs a
// connection and no thread; one that doesn't read loses records and is told how many.
#pragma once

#include "api/context.hpp"
#include "api/request.hpp"

namespace davit::api {

/// Query: kind (storage, network, ipam, volume; default: all). Throws Error{not_found} for a name that nobody has, Error{invalid} for
/// another kind.
void streamTrace(const Context& context, Request& request);

}  // namespace davit::api
