// Streams of containers: logs and attach.
#include <utility>

#include "api/attach.hpp"
#include "api/handlers/handlers.hpp"
#include "api/log_stream.hpp"

namespace davit::api {
namespace {

// What `attach` with logs=1 shows first. False when the client doesn't take it.
bool replayLogs(const Context& context, const std::string& id, const engine::AttachOptions& options, int socket) {
    runtime::LogQuery query;
    query.out = options.stdout_;
    query.err = options.stderr_;
    engine::LogStream log = context.engine.containers().logs(id, query);
    while (const auto record = log.reader->next())
        if (!sendText(socket, formatRecord(*record, {.tty = log.tty}))) return false;
    return true;
}

void attach(const Context& context, Request& request) {
    const http::Query& query = request.query();
    const engine::AttachOptions options{query.flag("stdin"), query.flag("stdout"), query.flag("stderr"),
                                        query.get("detachKeys"), query.flag("stream")};
    const bool logs = query.flag("logs");
    checkDetachKeys(options.detach_keys);
    const auto info = context.engine.containers().checkAttach(request.variable("name"));
    RawClient client = takeOver(context, request, !info.tty);
    if (logs || !options.stream) {
        if (!sendGreeting(client)) return;
        if (logs && (options.stdout_ || options.stderr_) && !replayLogs(context, info.id, options, client.socket.get()))
            return;
    }
    context.engine.containers().attach(info.id, options,
                                       {std::move(client.socket), std::move(client.early), std::move(client.greeting)});
}

}  // namespace

void addContainerStreamRoutes(Router& router, const Context& context) {
    router.add("GET", "/containers/{name}/logs", [&context](Request& request) { streamLogs(context, request); });
    router.add("POST", "/containers/{name}/attach", [&context](Request& request) { attach(context, request); });
}

}  // namespace davit::api
