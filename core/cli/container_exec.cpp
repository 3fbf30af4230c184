// davit exec
#include <unistd.h>

#include "base/check.hpp"
#include "cli/attach.hpp"
#include "cli/run_values.hpp"
#include "cli/verbs.hpp"

namespace davit::cli {
namespace {

struct ExecOptions {
    bool detach = false;
    bool interactive = false;
    bool tty = false;
    bool privileged = false;
    std::string detach_keys;
    std::string user;
    std::string workdir;
    std::vector<std::string> env;
    std::vector<std::string> env_files;
};

void declareExecFlags(FlagSet& flags, ExecOptions& o) {
    flags.interspersed(false)
        .boolean(&o.detach, "detach", 'd', "Detached mode: run command in the background")
        .string(&o.detach_keys, "detach-keys", '\0', "Override the key sequence for detaching a container")
        .custom([&o](const std::string& value) { o.env.push_back(checkEnv(value)); }, "env", 'e', "list",
                "Set environment variables")
        .list(&o.env_files, "env-file", '\0', "Read in a file of environment variables")
        .boolean(&o.interactive, "interactive", 'i', "Keep STDIN open even if not attached")
        .boolean(&o.privileged, "privileged", '\0', "Give extended privileges to the command")
        .boolean(&o.tty, "tty", 't', "Allocate a pseudo-TTY")
        .string(&o.user, "user", 'u', "Username or UID (format: \"<name|uid>[:<group|gid>]\")")
        .string(&o.workdir, "workdir", 'w', "Working directory inside the container");
}

void writeConsoleSize(json::Writer& out, const ExecOptions& o) {
    const std::optional<WindowSize> size = windowSize(STDOUT_FILENO);
    if (o.tty && size) out.array("ConsoleSize", [&] { out.value(size->rows).value(size->columns); });
}

std::string execConfig(const ExecOptions& o, const std::vector<std::string>& command) {
    std::vector<std::string> env;
    for (const std::string& file : o.env_files)
        for (std::string& line : readKeyValueFile(file, true)) env.push_back(std::move(line));
    env.insert(env.end(), o.env.begin(), o.env.end());
    json::Writer out;
    out.object([&] {
        out.member("User", o.user).member("Privileged", o.privileged).member("Tty", o.tty);
        writeConsoleSize(out, o);
        out.member("AttachStdin", !o.detach && o.interactive)
            .member("AttachStderr", !o.detach)
            .member("AttachStdout", !o.detach);
        out.member("Detach", o.detach).member("DetachKeys", o.detach_keys).member("Env", env);
        out.member("WorkingDir", o.workdir).member("Cmd", command);
    });
    return out.take();
}

std::string startConfig(const ExecOptions& o) {
    json::Writer out;
    out.object([&] {
        out.member("Detach", o.detach).member("Tty", o.tty);
        writeConsoleSize(out, o);
    });
    return out.take();
}

}  // namespace

int execContainer(Cli& cli, CommandLine& line) {
    ExecOptions options;
    declareExecFlags(line.flags(), options);
    const std::vector<std::string> words = line.parse();
    const std::string body = execConfig(options, {words.begin() + 1, words.end()});
    Client& client = cli.client();
    // A missing container is told before a missing terminal is.
    client.call({.method = "GET", .path = "/containers/" + segment(words[0]) + "/json", .query = {}, .json = {}});
    if (!options.detach) requireTerminal(options.interactive, options.tty);
    const json::Document made = client.json(
        {.method = "POST", .path = "/containers/" + segment(words[0]) + "/exec", .query = {}, .json = body});
    const std::string path = "/exec/" + segment(made.root()["Id"].string());
    const Client::Call start{.method = "POST", .path = path + "/start", .query = {}, .json = startConfig(options)};
    if (options.detach) {
        client.call(start);
        return 0;
    }
    std::unique_ptr<SignalReader> signals = signalsFor(options.tty, false);
    http::Hijacked remote = client.hijack(*client.sendUpgrade(start));
    if (options.tty) resizeTo(client, path);
    const SessionEnd end = stream(cli, remote,
                                  {.path = path,
                                   .tty = options.tty,
                                   .forward_in = options.interactive,
                                   .output = true,
                                   .detach_keys = options.detach_keys,
                                   .signal_container = {},
                                   .signals = std::move(signals)});
    if (end == SessionEnd::detached) throw ExitError(1, "read escape sequence");
    const json::Document state = client.json({.method = "GET", .path = path + "/json", .query = {}, .json = {}});
    return static_cast<int>(state.root()["ExitCode"].integer());
}

}  // namespace davit::cli
