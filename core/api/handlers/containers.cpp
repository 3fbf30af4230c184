// Containers: list, inspect, start, stop, kill, wait, delete, resize.
#include <map>

#include "api/handlers/handlers.hpp"
#include "api/numbers.hpp"
#include "api/views/container_view.hpp"
#include "api/waiting.hpp"
#include "base/check.hpp"

namespace davit::api {
namespace {

// The name a container's image was asked for by, while it still means that image; else its id.
class ImageNames {
  public:
    explicit ImageNames(engine::ImageService& images) : images_(images) {}

    const std::string& of(const engine::Container& container) {
        const auto found = known_.find(container.image_ref);
        const std::string& id = found != known_.end() ? found->second : learn(container.image_ref);
        return id == container.image_id ? container.image_ref : container.image_id;
    }

  private:
    const std::string& learn(const std::string& name) {
        std::string id;
        try {
            id = images_.inspect(name).image.id;
        } catch (const Error&) {
            // Untagged or removed since: the id is shown.
        }
        return known_[name] = std::move(id);
    }
    engine::ImageService& images_;
    std::map<std::string, std::string> known_;
};

void list(const Context& context, Request& request) {
    engine::ListOptions options;
    options.all = request.query().flag("all");
    options.size = request.query().flag("size");
    options.limit = readInt(request.query(), "limit").value_or(0);
    options.filters = engine::Filters::parse(request.query().get("filters"));
    for (const char* name : {"before", "since"})
        if (const std::string id = request.query().get(name); !id.empty()) options.filters.add(name, id);
    const SystemTime at = now();
    ImageNames names(context.engine.images());
    json::Writer out;
    out.array([&] {
        for (const engine::Container& container : context.engine.containers().list(options))
            writeContainerSummary(out, container, names.of(container), at);
    });
    request.reply(200, out);
}

void inspect(const Context& context, Request& request) {
    json::Writer out;
    writeContainerDetails(out,
                          context.engine.containers().inspect(request.variable("name"), request.query().flag("size")));
    request.reply(200, out);
}

void start(const Context& context, Request& request) {
    const bool started = context.engine.containers().start(request.variable("name"), request.query().get("detachKeys"));
    request.replyEmpty(started ? 204 : 304);
}

void stop(const Context& context, Request& request) {
    const engine::StopOptions options{request.query().get("signal"), readInt(request.query(), "t")};
    const bool stopped = context.engine.containers().stop(request.variable("name"), options);
    request.replyEmpty(stopped ? 204 : 304);
}

void kill(const Context& context, Request& request) {
    context.engine.containers().kill(request.variable("name"), request.query().get("signal"));
    request.replyEmpty(204);
}

void remove(const Context& context, Request& request) {
    context.engine.containers().remove(request.variable("name"), {.force = request.query().flag("force"),
                                                                  .volumes = request.query().flag("v"),
                                                                  .link = request.query().flag("link")});
    request.replyEmpty(204);
}

void resize(const Context& context, Request& request) {
    const TerminalSize size = readTerminalSize(request.query());
    context.engine.containers().resize(request.variable("name"), size.height, size.width);
    request.replyEmpty(200);
}

}  // namespace

void addContainerRoutes(Router& router, const Context& context) {
    const auto with = [&context](void (*handler)(const Context&, Request&)) {
        return [&context, handler](Request& request) { handler(context, request); };
    };
    router.add("GET", "/containers/json", with(list));
    router.add("GET", "/containers/{name}/json", with(inspect));
    router.add("POST", "/containers/{name}/start", with(start));
    router.add("POST", "/containers/{name}/stop", with(stop));
    router.add("POST", "/containers/{name}/kill", with(kill));
    router.add("POST", "/containers/{name}/wait", with(waitForContainer));
    router.add("POST", "/containers/{name}/resize", with(resize));
    router.add("DELETE", "/containers/{name}", with(remove));
}

}  // namespace davit::api
