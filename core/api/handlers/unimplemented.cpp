// Endpoints of the API that this version doesn't serve. A client reads which, instead of "page not found".
#include <utility>

#include "api/handlers/handlers.hpp"
#include "base/check.hpp"

namespace davit::api {
namespace {

constexpr std::pair<const char*, const char*> kRoutes[] = {
    {"POST", "/auth"},
    {"GET", "/containers/{name}/changes"},
    {"GET", "/containers/{name}/export"},
    {"GET", "/containers/{name}/attach/ws"},
    {"HEAD", "/containers/{name}/archive"},
    {"GET", "/containers/{name}/archive"},
    {"PUT", "/containers/{name}/archive"},
    {"GET", "/containers/{name}/checkpoints"},
    {"POST", "/containers/{name}/checkpoints"},
    {"DELETE", "/containers/{name}/checkpoints/{checkpoint}"},
    {"POST", "/build"},
    {"POST", "/build/prune"},
    {"POST", "/build/cancel"},
    {"POST", "/commit"},
    {"GET", "/images/search"},
    {"POST", "/images/{name}/push"},
    {"GET", "/images/{name}/attestations"},
    {"GET", "/distribution/{name}/json"},
    {"GET", "/plugins/privileges"},
    {"POST", "/plugins/pull"},
    {"POST", "/plugins/{name}/upgrade"},
    {"POST", "/plugins/{name}/push"},
};

// BuildKit's two: what asks without an upgrade gets dockerd's answer.
void session(Request& request, unsigned status) {
    if (!request.head().headers.has("Upgrade")) throw http::StatusError(status, "no upgrade proto in request");
    throw http::StatusError(501, "BuildKit sessions are not implemented");
}

}  // namespace

void addUnimplementedRoutes(Router& router) {
    for (const auto& [method, path] : kRoutes) {
        std::string text = std::string(method) + " " + path +
                           " is not supported by this version of davit";  // docker inspect goes on at "not supported"
        router.add(method, path, [text = std::move(text)](Request&) { throw http::StatusError(501, text); });
    }
    router.add("POST", "/session", [](Request& request) { session(request, 400); });
    router.add("POST", "/grpc", [](Request& request) { session(request, 500); });
}

}  // namespace davit::api
