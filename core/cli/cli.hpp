// The command-line client: its table of commands and what every verb gets.
//
//     int main(argc, argv): return davit::cli::runCli(arguments)
//
// A verb is one function; adding one is that function and one line in commands.cpp. It declares its flags on the
// CommandLine, calls parse(), talks to the daemon through Cli::client() and returns the exit code. What it throws is
// printed by runCli().
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/client.hpp"
#include "cli/config.hpp"
#include "cli/flags.hpp"

namespace davit::cli {

/// Ends the program with `code`; a text that isn't empty goes to standard error first.
class ExitError : public Error {
  public:
    explicit ExitError(int code, std::string text = {}) : Error(Code::cancelled, std::move(text)), exit_code_(code) {}
    [[nodiscard]] int exitCode() const noexcept { return exit_code_; }

  private:
    int exit_code_;
};

class Cli;
class CommandLine;
using Verb = int (*)(Cli& cli, CommandLine& line);

struct Command {
    std::string_view group;     ///< "container"; empty: top level only
    std::string_view name;      ///< "run"
    std::string_view shortcut;  ///< its top-level name, "run"; empty: none
    std::string_view aliases;   ///< further names within the group: "list,ps"
    std::string_view usage;     ///< "[OPTIONS] IMAGE [COMMAND] [ARG...]"
    std::string_view summary;
    int least = 0;  ///< positional arguments
    int most = 0;   ///< -1: any number
    Verb verb = nullptr;
    bool hidden = false;
};

struct Group {
    std::string_view name;
    std::string_view summary;
};

[[nodiscard]] const std::vector<Command>& commandTable();
[[nodiscard]] const std::vector<Group>& groupTable();

/// One command as called.
class CommandLine {
  public:
    /// `called_as` is "davit container run" or "davit run".
    CommandLine(const Command& command, std::string called_as, std::vector<std::string> arguments)
        : command_(command), called_as_(std::move(called_as)), arguments_(std::move(arguments)) {}

    FlagSet& flags() noexcept { return flags_; }
    /// Parses the flags, checks the number of positional arguments and returns them. --help prints the help and throws
    /// ExitError{0}; wrong usage throws ExitError with Docker's code.
    std::vector<std::string> parse();

    /// The arguments unparsed, for a verb that hands them to another program.
    [[nodiscard]] const std::vector<std::string>& raw() const noexcept { return arguments_; }
    [[nodiscard]] const std::string& calledAs() const noexcept { return called_as_; }
    /// "\nSee 'davit run --help'."
    [[nodiscard]] std::string seeHelp() const { return "\nSee '" + called_as_ + " --help'."; }
    [[nodiscard]] std::string help() const;

  private:
    [[nodiscard]] std::string usageLine() const;

    const Command& command_;
    std::string called_as_;
    std::vector<std::string> arguments_;
    FlagSet flags_;
};

/// What all verbs share: configuration and the connection. Everything is made on first use.
class Cli {
  public:
    GlobalOptions options;

    ConfigFile& config();
    ContextStore contexts();
    Client& client();

  private:
    std::unique_ptr<ConfigFile> config_;
    std::unique_ptr<Client> client_;
};

/// Standard output and standard error, unbuffered. A closed output ends the program quietly (SIGPIPE).
void printOut(std::string_view text);
void printError(std::string_view text);
/// Width of the terminal on standard output, 80 without one.
[[nodiscard]] std::size_t terminalColumns();

/// The pages of `davit --help` and `davit container --help`.
[[nodiscard]] std::string mainHelp(const FlagSet& global);
[[nodiscard]] std::string groupHelp(const Group& group);

/// Runs `action` for each name, prints its failures and goes on; 1 if one failed, else 0. With `echo` a name that
/// succeeded is printed.
int forEachName(const std::vector<std::string>& names, bool echo,
                const std::function<void(const std::string&)>& action);

/// POST /containers/ID/VERB.
[[nodiscard]] Client::Call containerCall(const std::string& id, const std::string& verb);

/// The whole program. `arguments` without the program's name. Never throws.
int runCli(const std::vector<std::string>& arguments);

}  // namespace davit::cli
