// Managed plugins: list, inspect, create, enable, disable, set, delete. All plugins: trace.
#include "api/handlers/handlers.hpp"
#include "api/numbers.hpp"
#include "api/trace_stream.hpp"
#include "api/views/plugin_view.hpp"
#include "base/check.hpp"

namespace davit::api {
namespace {

void list(const Context& context, Request& request) {
    json::Writer out;
    out.array([&] {
        for (const managed::Plugin& plugin : context.engine.plugins().list(engine::Filters::parse(request.query().get("filters"))))
            writePlugin(out, plugin);
    });
    request.reply(200, out);
}

void replyPlugin(Request& request, const managed::Plugin& plugin) {
    json::Writer out;
    writePlugin(out, plugin);
    request.reply(200, out);
}

void inspect(const Context& context, Request& request) { replyPlugin(request, context.engine.plugins().inspect(request.variable("name"))); }

void create(const Context& context, Request& request) {
    context.engine.plugins().create(request.query().get("name"), request.exchange().body());
    request.replyEmpty(204);
}

void enable(const Context& context, Request& request) {
    const int timeout = readInt(request.query(), "timeout").value_or(0);
    if (timeout < 0) throw error(Code::invalid, "negative timeout {} is invalid", timeout);
    context.engine.plugins().enable(request.variable("name"), std::chrono::seconds(timeout));
    request.replyEmpty(200);
}

void disable(const Context& context, Request& request) {
    context.engine.plugins().disable(request.variable("name"), request.query().flag("force"));
    request.replyEmpty(200);
}

void set(const Context& context, Request& request) {
    const json::Document document = request.json();
    context.engine.plugins().set(request.variable("name"), document.root().strings());
    request.replyEmpty(204);
}

void remove(const Context& context, Request& request) {
    replyPlugin(request, context.engine.plugins().remove(request.variable("name"), request.query().flag("force")));
}

}  // namespace

void addPluginRoutes(Router& router, const Context& context) {
    const auto with = [&context](void (*handler)(const Context&, Request&)) {
        return [&context, handler](Request& request) { handler(context, request); };
    };
    router.add("GET", "/plugins", with(list));
    router.add("POST", "/plugins/create", with(create));
    router.add("GET", "/plugins/{name}/json", with(inspect));
    router.add("POST", "/plugins/{name}/enable", with(enable));
    router.add("POST", "/plugins/{name}/disable", with(disable));
    router.add("POST", "/plugins/{name}/set", with(set));
    router.add("DELETE", "/plugins/{name}", with(remove));
    router.add("GET", "/davit/plugins/{name}/trace", with(streamTrace));
}

}  // namespace davit::api
