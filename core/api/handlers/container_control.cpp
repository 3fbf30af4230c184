// Containers: restart, pause, unpause, rename, update, top, stats, prune.
#include "api/handlers/handlers.hpp"
#include "api/numbers.hpp"
#include "api/stats_stream.hpp"
#include "api/views/common.hpp"
#include "base/check.hpp"
#include "runtime/container_config_json.hpp"

namespace davit::api {
namespace {

void restart(const Context& context, Request& request) {
    context.engine.containers().restart(request.variable("name"),
                                        {.signal = request.query().get("signal"), .timeout = readInt(request.query(), "t")});
    request.replyEmpty(204);
}

void pause(const Context& context, Request& request) {
    context.engine.containers().pause(request.variable("name"));
    request.replyEmpty(204);
}

void unpause(const Context& context, Request& request) {
    context.engine.containers().unpause(request.variable("name"));
    request.replyEmpty(204);
}

void rename(const Context& context, Request& request) {
    context.engine.containers().rename(request.variable("name"), request.query().get("name"));
    request.replyEmpty(204);
}

void update(const Context& context, Request& request) {
    const json::Document document = request.json();
    const runtime::HostConfig host = runtime::readHostConfig(document.root());
    const engine::UpdateRequest wanted{.resources = host, .restart_policy = host.restart_policy};
    json::Writer out;
    const std::vector<std::string> warnings = context.engine.containers().update(request.variable("name"), wanted);
    out.object([&] { writeStringsOrNull(out, "Warnings", warnings); });
    request.reply(200, out);
}

void top(const Context& context, Request& request) {
    const engine::ProcessTable table = context.engine.containers().top(request.variable("name"), request.query().get("ps_args"));
    json::Writer out;
    out.object([&] {
        out.array("Processes", [&] {
            for (const std::vector<std::string>& row : table.processes) out.value(row);
        });
        out.member("Titles", table.titles);
    });
    request.reply(200, out);
}

void prune(const Context& context, Request& request) {
    const engine::PrunedContainers pruned =
        context.engine.containers().prune(engine::Filters::parse(request.query().get("filters")));
    json::Writer out;
    out.object([&] {
        out.key("ContainersDeleted");
        if (pruned.ids.empty())
            out.null();
        else
            out.value(pruned.ids);
        out.member("SpaceReclaimed", pruned.space_reclaimed);
    });
    request.reply(200, out);
}

}  // namespace

void addContainerControlRoutes(Router& router, const Context& context) {
    const auto with = [&context](void (*handler)(const Context&, Request&)) {
        return [&context, handler](Request& request) { handler(context, request); };
    };
    router.add("POST", "/containers/prune", with(prune));
    router.add("POST", "/containers/{name}/restart", with(restart));
    router.add("POST", "/containers/{name}/pause", with(pause));
    router.add("POST", "/containers/{name}/unpause", with(unpause));
    router.add("POST", "/containers/{name}/rename", with(rename));
    router.add("POST", "/containers/{name}/update", with(update));
    router.add("GET", "/containers/{name}/top", with(top));
    router.add("GET", "/containers/{name}/stats", with(streamStats));
}

}  // namespace davit::api
