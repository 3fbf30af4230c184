// The routes of each resource. One .cpp per function; a new endpoint is one handler there, one view, one golden test.
#pragma once

#include "api/context.hpp"
#include "api/request.hpp"
#include "api/router.hpp"

namespace davit::api {

void addSystemRoutes(Router& router, const Context& context);
void addContainerRoutes(Router& router, const Context& context);
void addContainerControlRoutes(Router& router, const Context& context);
void addContainerCreateRoute(Router& router, const Context& context);
void addContainerStreamRoutes(Router& router, const Context& context);
void addEventRoutes(Router& router, const Context& context);
void addExecRoutes(Router& router, const Context& context);
void addImageRoutes(Router& router, const Context& context);
void addImageTransferRoutes(Router& router, const Context& context);
void addNetworkRoutes(Router& router, const Context& context);
void addPluginRoutes(Router& router, const Context& context);
void addUsageRoute(Router& router, const Context& context);
void addVolumeRoutes(Router& router, const Context& context);
/// A node that is in no swarm: the fixed 503 answers.
void addSwarmRoutes(Router& router);
/// Endpoints of the API that this version doesn't serve: 501 rather than "page not found".
void addUnimplementedRoutes(Router& router);

}  // namespace davit::api
