// _ping, version, info, the drivers.
#include "api/handlers/handlers.hpp"
#include "api/views/system_view.hpp"

namespace davit::api {
namespace {

void ping(Request& request) {
    http::Headers headers = Request::commonHeaders();
    headers.add("Builder-Version", "1");  // plain builds: no BuildKit session
    headers.add("Swarm", "inactive");
    headers.add("Cache-Control", "no-cache, no-store, must-revalidate");
    headers.add("Pragma", "no-cache");
    headers.add("Content-Type", "text/plain; charset=utf-8");
    const bool head_only = request.head().method == "HEAD";
    request.exchange().respond(200, std::move(headers), head_only ? "" : "OK");
}

}  // namespace

void addSystemRoutes(Router& router, const Context& context) {
    router.add("GET", "/_ping", ping);
    router.add("HEAD", "/_ping", ping);
    router.add("GET", "/version", [&context](Request& request) {
        json::Writer out;
        writeVersion(out, context.engine.system().version());
        request.reply(200, out);
    });
    router.add("GET", "/info", [&context](Request& request) {
        json::Writer out;
        writeInfo(out, context.engine.system().info());
        request.reply(200, out);
    });
    router.add("GET", "/davit/drivers", [&context](Request& request) {
        json::Writer out;
        writeDrivers(out, context.engine.system().drivers());
        request.reply(200, out);
    });
}

}  // namespace davit::api
