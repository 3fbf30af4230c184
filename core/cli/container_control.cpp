// davit pause, unpause, rename, top
#include "base/check.hpp"
#include "cli/table.hpp"
#include "cli/verbs.hpp"

namespace davit::cli {
namespace {

int forEachContainer(Cli& cli, CommandLine& line, const std::string& verb) {
    return forEachName(line.parse(), true, [&](const std::string& name) { cli.client().call(containerCall(name, verb)); });
}

std::string row(const std::vector<std::string>& cells) {
    std::string out;
    for (const std::string& cell : cells) out += (out.empty() ? "" : "\t") + cell;
    return out + "\n";
}

}  // namespace

int pauseContainers(Cli& cli, CommandLine& line) { return forEachContainer(cli, line, "pause"); }

int unpauseContainers(Cli& cli, CommandLine& line) { return forEachContainer(cli, line, "unpause"); }

int renameContainer(Cli& cli, CommandLine& line) {
    const std::vector<std::string> names = line.parse();
    const auto blank = [](const std::string& name) { return name.find_first_not_of(" \t") == std::string::npos; };
    if (blank(names[0]) || blank(names[1])) throw Error(Code::invalid, "Error: Neither old nor new names may be empty");
    Client::Call call = containerCall(names[0], "rename");
    call.query.add("name", names[1]);
    try {
        cli.client().call(call);
    } catch (const ApiError& failure) {
        printError(failure.text() + "\n");
        throw error(failure.code(), "Error: failed to rename container named {}", names[0]);
    }
    return 0;
}

int showProcesses(Cli& cli, CommandLine& line) {
    line.flags().interspersed(false);
    const std::vector<std::string> arguments = line.parse();
    Client::Call call{.method = "GET", .path = "/containers/" + segment(arguments[0]) + "/top", .query = {}, .json = {}};
    std::string ps_arguments;
    for (std::size_t i = 1; i < arguments.size(); ++i) ps_arguments += (i > 1 ? " " : "") + arguments[i];
    if (!ps_arguments.empty()) call.query.add("ps_args", ps_arguments);
    const json::Document reply = cli.client().json(call);
    std::string text = row(reply.root()["Titles"].strings());
    for (const json::Value process : reply.root()["Processes"].array()) text += row(process.strings());
    printOut(alignTable(text, {.minimum_width = 20, .padding = 3}));
    return 0;
}

}  // namespace davit::cli
