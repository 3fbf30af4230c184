#include "runtime/oci_command.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <fmt/format.h>

#include <cstdio>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include "base/check.hpp"
#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "runtime/config_validation.hpp"
#include "runtime/oci_runtime.hpp"
#include "runtime/oci_terminal.hpp"

namespace davit::runtime {
namespace {

constexpr const char* kUsage =
    "usage: davit-runtime [--root DIR] [--log FILE] [--log-format text|json] COMMAND\n"
    "  create [--bundle DIR] [--pid-file FILE] [--console-socket PATH] ID\n"
    "  start ID\n"
    "  state ID\n"
    "  kill [--all] ID [SIGNAL]\n"
    "  delete [--force] ID\n"
    "  pause ID\n"
    "  resume ID\n"
    "  ps [--format table|json] ID\n"
    "  list [--format table|json] [--quiet]\n"
    "  run [--bundle DIR] [--pid-file FILE] [--console-socket PATH] [--detach] [--keep] ID\n"
    "  exec [--process FILE] [--pid-file FILE] [--console-socket PATH] [--detach] [--tty] [--cwd DIR] [--env K=V]\n"
    "       [--user UID[:GID]] ID COMMAND...\n"
    "  --version\n";

/// Flags with a value, by their long name; everything else that begins with "-" is a switch.
const std::set<std::string>& valueFlags() {
    static const std::set<std::string> flags{"root",   "log", "log-format", "bundle", "pid-file", "console-socket",
                                             "process", "cwd", "env",        "user",   "preserve-fds", "format"};
    return flags;
}

std::string longName(std::string flag) {
    static const std::map<std::string, std::string> kShort{{"b", "bundle"}, {"f", "force"}, {"d", "detach"}, {"p", "process"},
                                                           {"t", "tty"},    {"a", "all"},   {"e", "env"},    {"u", "user"},
                                                           {"v", "version"}, {"h", "help"},  {"q", "quiet"}};
    const auto found = kShort.find(flag);
    return found != kShort.end() ? found->second : flag;
}

struct Parsed {
    std::multimap<std::string, std::string> flags;
    std::vector<std::string> words;

    [[nodiscard]] bool has(const std::string& flag) const { return flags.contains(flag); }
    [[nodiscard]] std::string get(const std::string& flag, const std::string& fallback = {}) const {
        const auto found = flags.find(flag);
        return found != flags.end() ? found->second : fallback;
    }
    [[nodiscard]] const std::string& word(std::size_t index, const char* what) const {
        if (index >= words.size()) throw error(Code::invalid, "{} is missing\n{}", what, kUsage);
        return words[index];
    }
};

/// Flags count up to the word number `last_word`: what follows belongs to the program to run.
Parsed parse(const std::vector<std::string>& args, std::size_t& at, std::size_t last_word) {
    Parsed parsed;
    for (; at < args.size() && parsed.words.size() < last_word; ++at) {
        const std::string& arg = args[at];
        if (arg.size() < 2 || arg[0] != '-') {
            parsed.words.push_back(arg);
            continue;
        }
        std::string name = arg.substr(arg.starts_with("--") ? 2 : 1);
        const std::size_t equals = name.find('=');
        std::optional<std::string> value;
        if (equals != std::string::npos) {
            value = name.substr(equals + 1);
            name.resize(equals);
        }
        name = longName(name);
        if (valueFlags().contains(name) && !value) {
            if (++at >= args.size()) throw error(Code::invalid, "flag --{} needs a value", name);
            value = args[at];
        }
        parsed.flags.emplace(name, value.value_or(""));
    }
    return parsed;
}

pid_t g_foreground = 0;

void forwardSignal(int number) {
    if (g_foreground > 0) (void)::kill(g_foreground, number);
}

/// Waits for a process that has become our child; its exit code.
int waitFor(pid_t pid) {
    g_foreground = pid;
    for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH}) (void)::signal(number, forwardSignal);
    int status = 0;
    while (true) {
        const pid_t ended = ::waitpid(-1, &status, 0);
        if (ended == pid) break;
        if (ended < 0 && errno != EINTR) throw Error::system("wait for the container", errno);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

OciRuntime::Create createRequest(const Parsed& parsed) {
    return {.id = parsed.word(0, "the container's ID"),
            .bundle = std::filesystem::absolute(parsed.get("bundle", ".")),
            .console_socket = parsed.get("console-socket"),
            .pid_file = parsed.get("pid-file")};
}

int runContainer(OciRuntime& runtime, const Parsed& parsed) {
    const bool detached = parsed.has("detach");
    if (!detached) check(::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "become a subreaper");
    OciRuntime::Create request = createRequest(parsed);
    std::optional<OciTerminal> terminal;
    if (!detached && request.console_socket.empty() && OciRuntime::wantsTerminal(request.bundle))
        request.console_socket = terminal.emplace().socketPath();
    const OciState state = runtime.create(request);
    if (terminal) terminal->begin();
    runtime.start(state.id);
    if (detached) return 0;
    const int code = terminal ? terminal->relay(state.pid) : waitFor(state.pid);
    if (!parsed.has("keep")) runtime.remove(state.id, true);
    return code;
}

void setUser(oci::Process& process, const std::string& user) {
    if (user.empty()) return;
    process.user.additional_gids.clear();
    process.user.username = user;
}

oci::Process execProcess(const OciRuntime& runtime, const Parsed& parsed, const std::vector<std::string>& command) {
    if (parsed.has("process")) {
        const std::string file = parsed.get("process");
        const std::optional<std::string> text = readFile(file, 16U << 20);
        if (!text) throw error(Code::not_found, "open {}: no such file or directory", file);
        return oci::parseProcess(*text);
    }
    oci::Process process = runtime.containerProcess(parsed.word(0, "the container's ID"));
    if (command.empty()) throw Error(Code::invalid, "process args cannot be empty");
    process.args = command;
    process.terminal = parsed.has("tty");
    if (parsed.has("cwd")) process.cwd = parsed.get("cwd");
    const auto [first, last] = parsed.flags.equal_range("env");
    for (auto entry = first; entry != last; ++entry) process.env.push_back(entry->second);
    setUser(process, parsed.get("user"));
    return process;
}

int execInContainer(OciRuntime& runtime, const Parsed& parsed, const std::vector<std::string>& command) {
    const bool detached = parsed.has("detach");
    if (!detached) check(::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "become a subreaper");
    OciRuntime::Exec request{.id = parsed.word(0, "the container's ID"),
                             .process = execProcess(runtime, parsed, command),
                             .console_socket = parsed.get("console-socket"),
                             .pid_file = parsed.get("pid-file")};
    std::optional<OciTerminal> terminal;
    if (request.process.terminal && request.console_socket.empty()) {
        if (detached) throw Error(Code::invalid, "cannot allocate tty if runtime will detach without setting console socket");
        request.console_socket = terminal.emplace().socketPath();
    }
    const pid_t pid = runtime.exec(request);
    if (terminal) terminal->begin();
    if (detached) return 0;
    return terminal ? terminal->relay(pid) : waitFor(pid);
}

int killContainer(OciRuntime& runtime, const Parsed& parsed) {
    const std::string signal = parsed.words.size() > 1 ? parsed.words[1] : "TERM";
    runtime.kill(parsed.word(0, "the container's ID"), parseSignal(signal), parsed.has("all"));
    return 0;
}

int listProcesses(const OciRuntime& runtime, const Parsed& parsed) {
    const std::vector<pid_t> pids = runtime.processes(parsed.word(0, "the container's ID"));
    if (parsed.get("format") == "json") {
        std::puts(fmt::format("[{}]", fmt::join(pids, ",")).c_str());
        return 0;
    }
    std::puts("PID        COMMAND");
    for (const pid_t pid : pids) {
        const std::string name = readFile(fmt::format("/proc/{}/comm", pid)).value_or("\n");
        std::fputs(fmt::format("{:<10} {}", pid, name).c_str(), stdout);
    }
    return 0;
}

int listContainers(const OciRuntime& runtime, const Parsed& parsed) {
    const std::vector<OciState> states = runtime.list();
    if (parsed.get("format") == "json") {
        json::Writer out;
        out.array([&] {
            for (const OciState& state : states) out.raw(writeOciState(state));
        });
        std::puts(out.take().c_str());
        return 0;
    }
    const bool quiet = parsed.has("quiet");
    if (!quiet) std::puts(fmt::format("{:<24} {:<10} {:<10} BUNDLE", "ID", "PID", "STATUS").c_str());
    for (const OciState& state : states)
        std::puts(quiet ? state.id.c_str()
                        : fmt::format("{:<24} {:<10} {:<10} {}", state.id, state.pid, state.status, state.bundle.string()).c_str());
    return 0;
}

int dispatch(const std::vector<std::string>& args, std::size_t at, const Parsed& global, const std::filesystem::path& shim) {
    OciRuntime runtime(global.get("root", "/run/davit-runtime"), shim);
    const std::string& command = global.word(0, "the command");
    const Parsed parsed = parse(args, at, command == "exec" ? 1 : args.size());
    const std::vector<std::string> rest(args.begin() + static_cast<std::ptrdiff_t>(at), args.end());
    if (command == "create") return runtime.create(createRequest(parsed)), 0;
    if (command == "start") return runtime.start(parsed.word(0, "the container's ID")), 0;
    if (command == "state") {
        std::puts(writeOciState(runtime.state(parsed.word(0, "the container's ID"))).c_str());
        return 0;
    }
    if (command == "kill") return killContainer(runtime, parsed);
    if (command == "delete") return runtime.remove(parsed.word(0, "the container's ID"), parsed.has("force")), 0;
    if (command == "pause") return runtime.freeze(parsed.word(0, "the container's ID"), true), 0;
    if (command == "resume") return runtime.freeze(parsed.word(0, "the container's ID"), false), 0;
    if (command == "ps") return listProcesses(runtime, parsed);
    if (command == "list") return listContainers(runtime, parsed);
    if (command == "run") return runContainer(runtime, parsed);
    if (command == "exec") return execInContainer(runtime, parsed, rest);
    throw error(Code::invalid, "unknown command {}\n{}", command, kUsage);
}

void report(const Parsed& global, const std::string& text) {
    std::fprintf(stderr, "davit-runtime: %s\n", text.c_str());
    const std::string file = global.get("log");
    if (file.empty()) return;
    const std::string time = formatRfc3339(now());
    std::string line = fmt::format("time=\"{}\" level=error msg={}\n", time, json::quote(text));
    if (global.get("log-format") == "json") {
        json::Writer out;
        out.object([&] { out.member("level", "error").member("msg", text).member("time", time); });
        line = out.take() + "\n";
    }
    try {
        writeAll(openFile(file, O_WRONLY | O_APPEND | O_CREAT, 0640).get(), line);
    } catch (const Error&) {  // the text is on standard error already
    }
}

}  // namespace

int runOciCommand(const std::vector<std::string>& args, const std::filesystem::path& shim) {
    Parsed global;
    try {
        std::size_t at = 0;
        global = parse(args, at, 1);
        if (global.has("version")) {
            std::puts("davit-runtime version 0.1.0\nspec: 1.2.0");
            return 0;
        }
        if (global.has("help") || global.words.empty()) {
            std::fputs(kUsage, global.has("help") ? stdout : stderr);
            return global.has("help") ? 0 : 1;
        }
        return dispatch(args, at, global, shim);
    } catch (const std::exception& failure) {
        report(global, failure.what());
        return 1;
    }
}

}  // namespace davit::runtime
