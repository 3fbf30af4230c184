#include "cli/cli.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "base/file.hpp"

namespace davit::cli {
namespace {

constexpr int kFlagExit = 125;  // pflag's errors, as in Docker's CLI

std::string plural(int count) { return fmt::format("{} argument{}", count, count == 1 ? "" : "s"); }

bool hasName(std::string_view names, std::string_view name) {
    while (!names.empty()) {
        const std::string_view one = names.substr(0, names.find(','));
        if (one == name) return true;
        names.remove_prefix(std::min(names.size(), one.size() + 1));
    }
    return false;
}

const Command* findCommand(std::string_view group, std::string_view name) {
    for (const Command& command : commandTable()) {
        if (!group.empty() && command.group == group && (command.name == name || hasName(command.aliases, name)))
            return &command;
        if (group.empty() && command.shortcut == name) return &command;
    }
    return nullptr;
}

const Group* findGroup(std::string_view name) {
    for (const Group& group : groupTable())
        if (group.name == name) return &group;
    return nullptr;
}

void declareGlobalFlags(FlagSet& flags, GlobalOptions& options, bool& version, bool& help) {
    flags.interspersed(false)
        .string(&options.config_dir, "config", '\0', "Location of client config files")
        .defaultText("\"" + configDirectory({}) + "\"")
        .string(
            &options.context, "context", 'c',
            "Name of the context to use to connect to the daemon (overrides DAVIT_HOST and DOCKER_HOST and the default "
            "context set with \"davit context use\")")
        .boolean(&options.debug, "debug", 'D', "Enable debug mode")
        .list(&options.hosts, "host", 'H', "Daemon socket to connect to")
        .string(&options.log_level, "log-level", 'l',
                "Set the logging level (\"debug\", \"info\", \"warn\", \"error\", \"fatal\")")
        .boolean(&options.tls, "tls", '\0', "Use TLS; implied by --tlsverify")
        .string(&options.tls_ca, "tlscacert", '\0', "Trust certs signed only by this CA")
        .string(&options.tls_cert, "tlscert", '\0', "Path to TLS certificate file")
        .string(&options.tls_key, "tlskey", '\0', "Path to TLS key file")
        .boolean(&options.tls_verify, "tlsverify", '\0', "Use TLS and verify the remote")
        .boolean(&version, "version", 'v', "Print version information and quit")
        .boolean(&help, "help", 'h', "Print usage")
        .hide();
}

int runVerb(Cli& cli, const Command& command, const std::string& called_as, std::vector<std::string> arguments) {
    CommandLine line(command, called_as, std::move(arguments));
    return command.verb(cli, line);
}

int runGroup(Cli& cli, const Group& group, std::vector<std::string> arguments) {
    const std::string name = arguments.empty() ? "--help" : arguments.front();
    if (name == "--help" || name == "-h" || name == "help") {
        printOut(groupHelp(group));
        return 0;
    }
    if (name[0] == '-')
        throw ExitError(kFlagExit, fmt::format("unknown flag: {}\nSee 'davit {} --help'.", name, group.name));
    const Command* command = findCommand(group.name, name);
    if (command == nullptr)
        throw ExitError(1, fmt::format("davit: '{} {}' is not a davit command.\nSee 'davit {} --help'", group.name,
                                       name, group.name));
    arguments.erase(arguments.begin());
    return runVerb(cli, *command, fmt::format("davit {} {}", group.name, command->name), std::move(arguments));
}

int helpFor(Cli& cli, const FlagSet& global, std::vector<std::string> words) {
    if (words.empty()) {
        printOut(mainHelp(global));
        return 0;
    }
    words.emplace_back("--help");
    const std::string first = words.front();
    words.erase(words.begin());
    if (const Group* group = findGroup(first)) return runGroup(cli, *group, words);
    if (const Command* command = findCommand("", first)) return runVerb(cli, *command, "davit " + first, {"--help"});
    throw ExitError(1, "unknown help topic: " + first);
}

int dispatch(Cli& cli, const std::vector<std::string>& arguments) {
    FlagSet global;
    bool version = false;
    bool help = false;
    declareGlobalFlags(global, cli.options, version, help);
    std::vector<std::string> words;
    try {
        words = global.parse(arguments);
    } catch (const FlagError& failure) {
        throw ExitError(kFlagExit, failure.text() + "\nSee 'davit --help'.");
    }
    if (version) {
        printOut("davit version 0.1.0\n");
        return 0;
    }
    if (words.empty() || help) {
        printOut(mainHelp(global));
        return 0;
    }
    const std::string name = words.front();
    words.erase(words.begin());
    if (name == "help") return helpFor(cli, global, words);
    if (const Command* command = findCommand("", name))
        return runVerb(cli, *command, "davit " + name, std::move(words));
    if (const Group* group = findGroup(name)) return runGroup(cli, *group, std::move(words));
    throw ExitError(1, fmt::format("davit: '{}' is not a davit command.\nSee 'davit --help'", name));
}

}  // namespace

std::vector<std::string> CommandLine::parse() {
    bool help = false;
    flags_.boolean(&help, "help", '\0', "Print usage").hide();
    std::vector<std::string> positional;
    try {
        positional = flags_.parse(arguments_);
    } catch (const FlagError& failure) {
        if (!help) throw ExitError(kFlagExit, failure.text() + seeHelp());
    }
    if (help) {
        printOut(this->help());
        throw ExitError(0);
    }
    const int count = static_cast<int>(positional.size());
    if (count >= command_.least && (command_.most < 0 || count <= command_.most)) return positional;
    std::string rule = "accepts no arguments";
    if (command_.most == command_.least && command_.most > 0)
        rule = "requires exactly " + plural(command_.least);
    else if (count < command_.least)
        rule = "requires at least " + plural(command_.least);
    else if (command_.most > 0)
        rule = "requires at most " + plural(command_.most);
    throw ExitError(
        1, fmt::format("\"{}\" {}.{}\n\nUsage:  {}\n\n{}", called_as_, rule, seeHelp(), usageLine(), command_.summary));
}

ConfigFile& Cli::config() {
    if (!config_) config_ = std::make_unique<ConfigFile>(configDirectory(options));
    return *config_;
}

ContextStore Cli::contexts() { return {options, config()}; }

Client& Cli::client() {
    if (!client_) client_ = std::make_unique<Client>(contexts().current().endpoint, config().map("HttpHeaders"));
    return *client_;
}

void printOut(std::string_view text) { writeAll(STDOUT_FILENO, text); }

void printError(std::string_view text) {
    try {
        writeAll(STDERR_FILENO, text);
    } catch (const Error&) {  // nowhere left to say it
    }
}

std::size_t terminalColumns() {
    winsize size{};
    return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

int forEachName(const std::vector<std::string>& names, bool echo,
                const std::function<void(const std::string&)>& action) {
    int code = 0;
    for (const std::string& name : names) {
        try {
            action(name);
            if (echo) printOut(name + "\n");
        } catch (const ExitError&) {
            throw;
        } catch (const Error& failure) {
            printError(failure.text() + "\n");
            code = 1;
        }
    }
    return code;
}

int runCli(const std::vector<std::string>& arguments) {
    Cli cli;
    try {
        return dispatch(cli, arguments);
    } catch (const ExitError& exit) {
        if (!exit.text().empty()) printError(exit.text() + "\n");
        return exit.exitCode();
    } catch (const std::exception& failure) {
        printError(std::string(failure.what()) + "\n");
    } catch (...) {
        printError("davit: an unknown failure\n");
    }
    return 1;
}

}  // namespace davit::cli
