// Images: list, inspect, history, tag, delete, prune.
#include "api/handlers/handlers.hpp"
#include "api/numbers.hpp"
#include "api/views/image_view.hpp"

namespace davit::api {
namespace {

ImageViewOptions viewOptions(const Request& request) {
    return {.none_names = !request.atLeast(43),
            .virtual_size = !request.atLeast(44),
            .container_config = !request.atLeast(45)};
}

void list(const Context& context, Request& request) {
    const http::Query& query = request.query();
    image::ListImages options{query.flag("all"), query.flag("shared-size"), readFilters(query)};
    if (const std::string name = query.get("filter"); !name.empty()) options.filters["reference"].push_back(name);
    json::Writer out;
    out.array([&] {
        for (const image::ImageSummary& summary : context.engine.images().list(options))
            writeImageSummary(out, summary, viewOptions(request));
    });
    request.reply(200, out);
}

void inspect(const Context& context, Request& request) {
    json::Writer out;
    writeImageDetails(out, context.engine.images().inspect(request.variable("name")), viewOptions(request));
    request.reply(200, out);
}

void history(const Context& context, Request& request) {
    json::Writer out;
    writeHistory(out, context.engine.images().history(request.variable("name")));
    request.reply(200, out);
}

void tag(const Context& context, Request& request) {
    context.engine.images().tag(request.variable("name"), request.query().get("repo"), request.query().get("tag"));
    request.replyEmpty(201);
}

void remove(const Context& context, Request& request) {
    json::Writer out;
    writeRemoved(out, context.engine.images().remove({.reference = request.variable("name"),
                                                      .force = request.query().flag("force"),
                                                      .no_prune = request.query().flag("noprune")}));
    request.reply(200, out);
}

void prune(const Context& context, Request& request) {
    const image::ImageStore::Pruned pruned = context.engine.images().prune(readFilters(request.query()));
    json::Writer out;
    out.object([&] {
        out.key("ImagesDeleted");
        if (pruned.removed.empty())
            out.null();
        else
            writeRemoved(out, pruned.removed);
        out.member("SpaceReclaimed", pruned.space_reclaimed);
    });
    request.reply(200, out);
}

}  // namespace

void addImageRoutes(Router& router, const Context& context) {
    const auto with = [&context](void (*handler)(const Context&, Request&)) {
        return [&context, handler](Request& request) { handler(context, request); };
    };
    router.add("GET", "/images/json", with(list));
    router.add("GET", "/images/{name}/json", with(inspect));
    router.add("GET", "/images/{name}/history", with(history));
    router.add("POST", "/images/prune", with(prune));
    router.add("POST", "/images/{name}/tag", with(tag));
    router.add("DELETE", "/images/{name}", with(remove));
}

}  // namespace davit::api
