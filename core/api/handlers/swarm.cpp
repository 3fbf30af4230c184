// A node that is in no swarm: the answers that clients know how to read.
#include "api/handlers/handlers.hpp"

namespace davit::api {
namespace {

[[noreturn]] void notManager(Request&) {
    throw http::StatusError(
        503,
        "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect "
        "this node to swarm and try again.");
}

[[noreturn]] void notInSwarm(Request&) { throw http::StatusError(503, "This node is not part of a swarm"); }

[[noreturn]] void noSwarm(Request&) { throw http::StatusError(503, "davit has no swarm mode"); }

}  // namespace

void addSwarmRoutes(Router& router) {
    router.add("POST", "/swarm/leave", notInSwarm);
    router.add("POST", "/swarm/init", noSwarm);
    router.add("POST", "/swarm/join", noSwarm);
    for (const char* path :
         {"/swarm", "/swarm/unlockkey", "/services", "/services/{id}", "/services/{id}/logs", "/nodes", "/nodes/{id}",
          "/tasks", "/tasks/{id}", "/tasks/{id}/logs", "/secrets", "/secrets/{id}", "/configs", "/configs/{id}"})
        router.add("GET", path, notManager);
    for (const char* path :
         {"/swarm/update", "/swarm/unlock", "/services/create", "/services/{id}/update", "/nodes/{id}/update",
          "/secrets/create", "/secrets/{id}/update", "/configs/create", "/configs/{id}/update"})
        router.add("POST", path, notManager);
    for (const char* path : {"/services/{id}", "/nodes/{id}", "/secrets/{id}", "/configs/{id}"})
        router.add("DELETE", path, notManager);
}

}  // namespace davit::api
