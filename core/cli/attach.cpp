#include "cli/attach.hpp"

#include <unistd.h>

#include "base/check.hpp"

namespace davit::cli {
namespace {

constexpr const char* kDefaultDetachKeys = "ctrl-p,ctrl-q";

void proxySignal(Client& client, const std::string& id, int number) {
    try {
        Client::Call kill{.method = "POST", .path = "/containers/" + segment(id) + "/kill", .query = {}, .json = {}};
        kill.query.add("signal", signalName(number));
        client.call(kill);
    } catch (const Error&) {  // the container has just ended
    }
}

}  // namespace

ExitWaiter::ExitWaiter(Client& client, const std::string& id, const std::string& condition) {
    Client::Call call{.method = "POST", .path = "/containers/" + segment(id) + "/wait", .query = {}, .json = {}};
    if (!condition.empty()) call.query.add("condition", condition);
    connection_ = client.send(call);
}

void ExitWaiter::registered(Client& client) { (void)client.receive(*connection_); }

Following follow(Client& client, const std::string& id, const AttachOptions& options, const std::string& condition) {
    Client::Call attach{.method = "POST", .path = "/containers/" + segment(id) + "/attach", .query = {}, .json = {}};
    if (!options.detach_keys.empty()) attach.query.add("detachKeys", options.detach_keys);
    attach.query.add("stream", "1");
    if (options.in) attach.query.add("stdin", "1");
    if (options.out) attach.query.add("stdout", "1");
    if (options.err) attach.query.add("stderr", "1");
    const std::unique_ptr<http::ClientConnection> attaching = client.sendUpgrade(attach);
    ExitWaiter waiter(client, id, condition);
    Following following{client.hijack(*attaching), std::move(waiter)};
    following.waiter.registered(client);
    return following;
}

int ExitWaiter::exitCode() {
    try {
        const json::Document reply = json::Document::parse(connection_->readBody(1U << 20, http::kNever));
        const std::string failure = reply.root()["Error"]["Message"].string();
        if (failure.empty()) return static_cast<int>(reply.root()["StatusCode"].integer());
        printError("Error waiting for container: " + failure + "\n");
    } catch (const Error& failure) {
        printError(fmt::format("error waiting for container: {}\n", failure.text()));
    }
    return 125;
}

void resizeTo(Client& client, const std::string& path, WindowSize size) {
    try {
        Client::Call call{.method = "POST", .path = path + "/resize", .query = {}, .json = {}};
        call.query.add("h", std::to_string(size.rows));
        call.query.add("w", std::to_string(size.columns));
        client.call(call);
    } catch (const Error&) {  // see the header
    }
}

void resizeTo(Client& client, const std::string& path) {
    if (const std::optional<WindowSize> size = windowSize(STDOUT_FILENO)) resizeTo(client, path, *size);
}

std::string detachBytes(Cli& cli, const std::string& flag) {
    const std::string keys = flag.empty() ? cli.config().text("detachKeys") : flag;
    if (!keys.empty()) {
        try {
            return parseDetachKeys(keys);
        } catch (const Error& failure) {
            printError(fmt::format("invalid detach escape keys, using default: {}\n", failure.text()));
        }
    }
    return parseDetachKeys(kDefaultDetachKeys);
}

std::unique_ptr<SignalReader> signalsFor(bool tty, bool proxy) {
    std::vector<int> signals;
    if (tty)
        signals = {SIGWINCH, SIGTERM, SIGHUP, SIGINT, SIGQUIT};
    else if (proxy)
        signals = proxiedSignals();
    if (signals.empty()) return nullptr;
    return std::make_unique<SignalReader>(signals);
}

SessionEnd stream(Cli& cli, http::Hijacked& remote, StreamOptions options) {
    SessionOptions session;
    session.tty = options.tty;
    session.forward_in = options.forward_in;
    session.output = options.output;
    session.signals = options.signals.get();
    if (options.tty && options.forward_in) session.detach_keys = detachBytes(cli, options.detach_keys);
    if (options.tty) session.on_resize = [&] { resizeTo(cli.client(), options.path); };
    session.on_signal = [&](int number) {
        if (options.tty) throw ExitError(128 + number);
        if (!options.signal_container.empty()) proxySignal(cli.client(), options.signal_container, number);
    };
    return runSession(remote, session);
}

void requireTerminal(bool in, bool tty) {
    if (in && tty && !isTerminal(STDIN_FILENO)) throw ExitError(1, "the input device is not a TTY");
}

}  // namespace davit::cli
