// davit-plugin-check: runs the conformance suites against a driver and says in words which rules it keeps. Behind
// `davit plugin check TARGET`.
#include <fmt/core.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <string>

#include "plugin_check_supervisor.hpp"
#include "plugin_check_targets.hpp"

namespace {

using namespace davit;

constexpr const char* kUsage =
    "usage: davit-plugin-check TARGET [--driver NAME] [--config JSON] [--home DIR] [--rule NAME] [--transport WHICH]\n"
    "TARGET is a plugin .so, a unix socket, or an address (unix:///path, tcp://host:port).\n"
    "  --driver NAME      only this driver of the .so\n"
    "  --config JSON      the driver's configuration\n"
    "  --home DIR         where storage drivers keep their layers during the check (default: below /var/tmp)\n"
    "  --option K=V       a storage driver's option, one of every network, or size=BYTES of\n"
    "                     the volume that is to be limited; repeatable\n"
    "  --rule NAME        only this rule\n"
    "  --transport WHICH  of a .so: in-process, process or both (default)\n"
    "  --patience SECONDS how long a driver may be silent (default: 60)\n";

struct Arguments {
    plugin_check::Options options;
    std::chrono::seconds patience{60};
    std::optional<plugin_check::Resume> watched;  ///< this process is the one that checks, and another watches over it
};

plugin_check::Resume parseResume(const std::string& text) {
    return {.session = std::stoi(text), .rule = std::stoi(text.substr(text.find(':') + 1))};
}

Arguments parse(int argc, char** argv) {
    Arguments arguments;
    plugin_check::Options& result = arguments.options;
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        const auto value = [&]() -> std::string {
            if (++i >= argc) throw Error(Code::invalid, name + " needs a value\n" + kUsage);
            return argv[i];
        };
        if (name == "--driver")
            result.driver = value();
        else if (name == "--config")
            result.config_json = value();
        else if (name == "--home")
            result.home = value();
        else if (name == "--option")
            result.driver_options.push_back(value());
        else if (name == "--rule")
            result.rule = value();
        else if (name == "--transport")
            result.transport = value();
        else if (name == "--patience")
            arguments.patience = std::chrono::seconds(std::max(1, std::stoi(value())));
        else if (name == "--watched")
            arguments.watched = parseResume(value());
        else if (name.starts_with("-") || !result.target.empty())
            throw Error(Code::invalid, "unknown argument " + name + "\n" + kUsage);
        else
            result.target = name;
    }
    if (result.target.empty()) throw Error(Code::invalid, kUsage);
    return arguments;
}

constexpr int kTellFd = 3;

// The process that checks: the other one makes the sum.
int checkWatched(const Arguments& arguments) {
    plugin_check::Progress progress(kTellFd, *arguments.watched);
    plugin_check::Totals totals;
    plugin_check::checkAll(arguments.options, totals, progress);
    std::fflush(stdout);
    progress.tell("end");
    return 0;
}

int checkSupervised(int argc, char** argv, const Arguments& arguments) {
    const plugin_check::Totals totals = plugin_check::supervise({argv + 1, argv + argc}, arguments.patience);
    fmt::print("{} rules kept, {} broken, {} skipped\n", totals.kept, totals.broken, totals.skipped);
    return totals.broken == 0 && totals.kept > 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    (void)::signal(SIGPIPE, SIG_IGN);
    (void)::umask(022);  // the rules compare modes
    try {
        const Arguments arguments = parse(argc, argv);
        return arguments.watched ? checkWatched(arguments) : checkSupervised(argc, argv, arguments);
    } catch (const std::exception& e) {
        const std::string text = e.what();
        if (!text.empty()) fmt::print(stderr, "davit-plugin-check: {}\n", text);
        return plugin_check::kCannotCheck;
    }
}
