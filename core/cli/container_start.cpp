// davit start, davit attach
#include <fmt/ranges.h>
#include <unistd.h>

#include "base/check.hpp"
#include "cli/attach.hpp"
#include "cli/verbs.hpp"

namespace davit::cli {
namespace {

std::string pathOf(const std::string& id) { return "/containers/" + segment(id); }

json::Document inspectOf(Client& client, const std::string& id) {
    return client.json({.method = "GET", .path = pathOf(id) + "/json", .query = {}, .json = {}});
}

void start(Client& client, const std::string& id) {
    client.call({.method = "POST", .path = pathOf(id) + "/start", .query = {}, .json = {}});
}

int startAttached(Cli& cli, const std::string& name, bool interactive, const std::string& detach_keys) {
    Client& client = cli.client();
    const json::Document document = inspectOf(client, name);
    const json::Value config = document.root()["Config"];
    const std::string id = document.root()["Id"].string();
    const bool tty = config["Tty"].boolean();
    const bool in = interactive && config["OpenStdin"].boolean();
    requireTerminal(in, tty);
    std::unique_ptr<SignalReader> signals = signalsFor(tty, true);
    Following following = follow(client, id, {.in = in, .out = true, .err = true, .detach_keys = detach_keys},
                                 document.root()["HostConfig"]["AutoRemove"].boolean() ? "removed" : "next-exit");
    start(client, id);
    if (tty) resizeTo(client, pathOf(id));
    const SessionEnd end = stream(cli, following.remote,
                                  {.path = pathOf(id),
                                   .tty = tty,
                                   .forward_in = in,
                                   .output = true,
                                   .detach_keys = detach_keys,
                                   .signal_container = tty ? "" : id,
                                   .signals = std::move(signals)});
    return end == SessionEnd::detached ? 0 : following.waiter.exitCode();
}

void checkAttachable(const json::Value& state) {
    if (!state["Running"].boolean())
        throw Error(Code::conflict, "You cannot attach to a stopped container, start it first");
    if (state["Paused"].boolean())
        throw Error(Code::conflict, "You cannot attach to a paused container, unpause it first");
    if (state["Restarting"].boolean())
        throw Error(Code::conflict, "You cannot attach to a restarting container, wait until it is running");
}

// A terminal that has kept its size since the last attach wouldn't redraw: it gets another size first.
void nudgeTerminal(Client& client, const std::string& path) {
    const std::optional<WindowSize> size = windowSize(STDOUT_FILENO);
    if (!size) return;
    resizeTo(client, path, {size->rows + 1, size->columns + 1});
    resizeTo(client, path, *size);
}

}  // namespace

int startContainers(Cli& cli, CommandLine& line) {
    bool attach = false;
    bool interactive = false;
    std::string detach_keys;
    line.flags()
        .boolean(&attach, "attach", 'a', "Attach STDOUT/STDERR and forward signals")
        .boolean(&interactive, "interactive", 'i', "Attach container's STDIN")
        .string(&detach_keys, "detach-keys", '\0', "Override the key sequence for detaching a container");
    const std::vector<std::string> names = line.parse();
    if (attach || interactive) {
        if (names.size() > 1) throw ExitError(1, "you cannot start and attach multiple containers at once");
        return startAttached(cli, names.front(), interactive, detach_keys);
    }
    std::vector<std::string> failed;
    for (const std::string& name : names) {
        try {
            start(cli.client(), name);
            printOut(name + "\n");
        } catch (const Error& failure) {
            printError(failure.text() + "\n");
            failed.push_back(name);
        }
    }
    if (!failed.empty())
        throw ExitError(1, fmt::format("Error: failed to start containers: {}", fmt::join(failed, ", ")));
    return 0;
}

int attachContainer(Cli& cli, CommandLine& line) {
    bool no_stdin = false;
    bool proxy = true;
    std::string detach_keys;
    line.flags()
        .string(&detach_keys, "detach-keys", '\0', "Override the key sequence for detaching a container")
        .boolean(&no_stdin, "no-stdin", '\0', "Do not attach STDIN")
        .boolean(&proxy, "sig-proxy", '\0', "Proxy all received signals to the process");
    const std::string name = line.parse().front();
    Client& client = cli.client();
    const json::Document document = inspectOf(client, name);
    checkAttachable(document.root()["State"]);
    const std::string id = document.root()["Id"].string();
    const bool tty = document.root()["Config"]["Tty"].boolean();
    const bool in = !no_stdin && document.root()["Config"]["OpenStdin"].boolean();
    requireTerminal(in, tty);
    std::unique_ptr<SignalReader> signals = signalsFor(tty, proxy);
    Following following = follow(client, id, {.in = in, .out = true, .err = true, .detach_keys = detach_keys}, "");
    if (tty) nudgeTerminal(client, pathOf(id));
    const SessionEnd end = stream(cli, following.remote,
                                  {.path = pathOf(id),
                                   .tty = tty,
                                   .forward_in = in,
                                   .output = true,
                                   .detach_keys = detach_keys,
                                   .signal_container = tty || !proxy ? "" : id,
                                   .signals = std::move(signals)});
    if (end == SessionEnd::detached) throw ExitError(1, "read escape sequence");
    return following.waiter.exitCode();
}

}  // namespace davit::cli
