// davit stop, restart, kill, rm, wait
#include "base/check.hpp"
#include "cli/verbs.hpp"

namespace davit::cli {
namespace {

/// Both end a run in the same way.
int stopOrRestart(Cli& cli, CommandLine& line, const char* verb) {
    std::string signal;
    std::int64_t timeout = 0;
    line.flags()
        .string(&signal, "signal", 's', "Signal to send to the container")
        .integer(&timeout, "timeout", 't', "Seconds to wait before killing the container")
        .integer(&timeout, "time", '\0', "Seconds to wait before killing the container")
        .hide();
    const std::vector<std::string> names = line.parse();
    const bool timed = line.flags().changed("timeout") || line.flags().changed("time");
    return forEachName(names, true, [&](const std::string& name) {
        Client::Call call = containerCall(name, verb);
        if (!signal.empty()) call.query.add("signal", signal);
        if (timed) call.query.add("t", std::to_string(timeout));
        cli.client().call(call);
    });
}

}  // namespace

Client::Call containerCall(const std::string& id, const std::string& verb) {
    return {.method = "POST", .path = "/containers/" + segment(id) + "/" + verb, .query = {}, .json = {}};
}

int stopContainers(Cli& cli, CommandLine& line) { return stopOrRestart(cli, line, "stop"); }

int restartContainers(Cli& cli, CommandLine& line) { return stopOrRestart(cli, line, "restart"); }

int killContainers(Cli& cli, CommandLine& line) {
    std::string signal;
    line.flags().string(&signal, "signal", 's', "Signal to send to the container");
    const std::vector<std::string> names = line.parse();
    return forEachName(names, true, [&](const std::string& name) {
        Client::Call call = containerCall(name, "kill");
        if (!signal.empty()) call.query.add("signal", signal);
        cli.client().call(call);
    });
}

int removeContainers(Cli& cli, CommandLine& line) {
    bool force = false;
    bool link = false;
    bool volumes = false;
    line.flags()
        .boolean(&force, "force", 'f', "Force the removal of a running container (uses SIGKILL)")
        .boolean(&link, "link", 'l', "Remove the specified link")
        .boolean(&volumes, "volumes", 'v', "Remove anonymous volumes associated with the container");
    const std::vector<std::string> names = line.parse();
    return forEachName(names, false, [&](const std::string& given) {
        std::string name = given;
        while (name.starts_with('/')) name.erase(0, 1);
        while (name.ends_with('/')) name.pop_back();
        if (name.empty()) throw Error(Code::invalid, "container name cannot be empty");
        Client::Call call{.method = "DELETE", .path = "/containers/" + segment(name), .query = {}, .json = {}};
        if (volumes) call.query.add("v", "1");
        if (link) call.query.add("link", "1");
        if (force) call.query.add("force", "1");
        try {
            cli.client().call(call);
        } catch (const ApiError& failure) {
            if (!force || failure.status() != 404) throw;
            printError(failure.text() + "\n");  // forced: what isn't there is as good as removed
            return;
        }
        printOut(given + "\n");
    });
}

int waitContainers(Cli& cli, CommandLine& line) {
    const std::vector<std::string> names = line.parse();
    return forEachName(names, false, [&](const std::string& name) {
        const json::Document reply = cli.client().json(containerCall(name, "wait"));
        const std::string failure = reply.root()["Error"]["Message"].string();
        if (!failure.empty()) throw Error(Code::system, failure);
        printOut(std::to_string(reply.root()["StatusCode"].integer()) + "\n");
    });
}

}  // namespace davit::cli
