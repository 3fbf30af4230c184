// Exec: create, start, resize, inspect.
#include <fcntl.h>

#include "api/attach.hpp"
#include "api/handlers/handlers.hpp"
#include "api/log_stream.hpp"
#include "api/numbers.hpp"
#include "api/views/container_view.hpp"
#include "base/check.hpp"

namespace davit::api {
namespace {

std::optional<std::pair<unsigned, unsigned>> readConsoleSize(const json::Value& value) {
    std::vector<unsigned> sizes;
    for (const json::Value item : value.array()) sizes.push_back(static_cast<unsigned>(item.unsignedInteger()));
    if (sizes.size() != 2) return std::nullopt;
    return std::pair(sizes[0], sizes[1]);
}

void create(const Context& context, Request& request) {
    const json::Document document = request.json();
    const json::Value body = document.root();
    engine::ExecConfig config;
    config.cmd = body["Cmd"].strings();
    config.env = body["Env"].strings();
    config.user = body["User"].string();
    config.working_dir = body["WorkingDir"].string();
    config.detach_keys = body["DetachKeys"].string();
    config.tty = body["Tty"].boolean();
    config.attach_stdin = body["AttachStdin"].boolean();
    config.attach_stdout = body["AttachStdout"].boolean();
    config.attach_stderr = body["AttachStderr"].boolean();
    config.privileged = body["Privileged"].boolean();
    config.console_size = readConsoleSize(body["ConsoleSize"]);
    checkDetachKeys(config.detach_keys);
    json::Writer out;
    const std::string id = context.engine.execs().create(request.variable("name"), std::move(config));
    out.object([&] { out.member("Id", id); });
    request.reply(201, out);
}

// The client has been told 101 already: what goes wrong from here on it reads in its stream, as from dockerd.
void startAttached(const Context& context, Request& request, const engine::ExecStart& options) {
    const std::string& id = request.variable("id");
    const engine::Exec exec = context.engine.execs().checkStart(id);
    const bool tty = exec.config.tty;
    RawClient client = takeOver(context, request, !tty);
    if (!sendGreeting(client)) return;
    const UniqueFd copy(check(::fcntl(client.socket.get(), F_DUPFD_CLOEXEC, 0), "duplicate a socket"));
    try {
        context.engine.execs().start(id, options, std::move(client.socket), std::move(client.early));
    } catch (const Error& failure) {
        const std::string text = failure.text() + "\r\n";
        (void)sendText(copy.get(), tty ? text : frame(1, text));  // a client that doesn't listen misses it
    }
}

void start(const Context& context, Request& request) {
    const std::optional<json::Document> document = request.optionalJson();
    const json::Value body = document ? document->root() : json::Value();
    const engine::ExecStart options{body["Detach"].boolean(), body["Tty"].boolean(),
                                    readConsoleSize(body["ConsoleSize"])};
    if (!options.detach) return startAttached(context, request, options);
    context.engine.execs().start(request.variable("id"), options, {}, {});
    request.replyEmpty(200);
}

void resize(const Context& context, Request& request) {
    const TerminalSize size = readTerminalSize(request.query());
    context.engine.execs().resize(request.variable("id"), size.height, size.width);
    request.replyEmpty(200);
}

void inspect(const Context& context, Request& request) {
    json::Writer out;
    writeExec(out, context.engine.execs().inspect(request.variable("id")));
    request.reply(200, out);
}

}  // namespace

void addExecRoutes(Router& router, const Context& context) {
    const auto with = [&context](void (*handler)(const Context&, Request&)) {
        return [&context, handler](Request& request) { handler(context, request); };
    };
    router.add("POST", "/containers/{name}/exec", with(create));
    router.add("POST", "/exec/{id}/start", with(start));
    router.add("POST", "/exec/{id}/resize", with(resize));
    router.add("GET", "/exec/{id}/json", with(inspect));
}

}  // namespace davit::api
