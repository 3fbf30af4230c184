// davit volume clone, export, import, rename, resize, snapshot: what Docker has no verb for.
#include <unistd.h>

#include "base/check.hpp"
#include "cli/formatter.hpp"
#include "cli/terminal.hpp"
#include "cli/transfer.hpp"
#include "cli/units.hpp"
#include "cli/verbs.hpp"

namespace davit::cli {
namespace {

std::string pathOf(const std::string& volume, const char* what) { return "/davit/volumes/" + segment(volume) + "/" + what; }

int listSnapshots(Cli& cli, const std::string& volume, const std::string& format) {
    static const ListFormat kFormat{"{{.Name}}\t{{.CreatedAt}}", {{"Name", "SNAPSHOT"}, {"CreatedAt", "CREATED AT"}}};
    Formatter formatter(format, kFormat, false);
    const json::Document reply = cli.client().json({.method = "GET", .path = pathOf(volume, "snapshots"), .query = {}, .json = {}});
    for (const json::Value snapshot : reply.root().array()) {
        auto row = std::make_shared<tmpl::Record>();
        row->fields["Name"] = snapshot["Name"].string();
        row->fields["CreatedAt"] = snapshot["CreatedAt"].string();
        formatter.add(std::move(row));
    }
    printOut(formatter.text());
    return 0;
}

}  // namespace

int cloneVolume(Cli& cli, CommandLine& line) {
    std::string snapshot;
    std::map<std::string, std::string> labels;
    line.flags()
        .string(&snapshot, "snapshot", '\0', "What the volume was at this snapshot")
        .custom(
            [&labels](const std::string& text) {
                const std::size_t equals = std::min(text.find('='), text.size());
                labels[text.substr(0, equals)] = text.substr(std::min(equals + 1, text.size()));
            },
            "label", '\0', "list", "Set metadata for the new volume");
    const std::vector<std::string> names = line.parse();
    json::Writer body;
    body.object([&] { body.member("Name", names[1]).member("Snapshot", snapshot).member("Labels", labels); });
    cli.client().call({.method = "POST", .path = pathOf(names[0], "clone"), .query = {}, .json = body.take()});
    printOut(names[1] + "\n");
    return 0;
}

int exportVolume(Cli& cli, CommandLine& line) {
    std::string output;
    line.flags().string(&output, "output", 'o', "Write to a file, instead of STDOUT");
    const std::string name = line.parse().front();
    if (output.empty() && isTerminal(STDOUT_FILENO))
        throw Error(Code::invalid, "cowardly refusing to save to a terminal. Use the -o flag or redirect");
    const Client::Call call{.method = "GET", .path = pathOf(name, "archive"), .query = {}, .json = {}};
    if (!output.empty()) {
        saveToFile("volume", output, cli.client(), call);
        return 0;
    }
    const OpenReply reply = cli.client().open(call);
    copyBody(*reply.body, STDOUT_FILENO);
    return 0;
}

int importVolume(Cli& cli, CommandLine& line) {
    std::string input;
    line.flags().string(&input, "input", 'i', "Read from tar archive file, instead of STDIN");
    const std::string name = line.parse().front();
    if (input.empty() && isTerminal(STDIN_FILENO))
        throw Error(Code::invalid, "requested import from stdin, but stdin is empty");
    const UniqueFd file = openInput(input);
    FdSource source(file.get());
    (void)cli.client().open({.method = "PUT", .path = pathOf(name, "archive"), .query = {}, .json = {}}, &source);
    return 0;
}

int renameVolume(Cli& cli, CommandLine& line) {
    const std::vector<std::string> names = line.parse();
    json::Writer body;
    body.object([&] { body.member("Name", names[1]); });
    cli.client().call({.method = "POST", .path = pathOf(names[0], "rename"), .query = {}, .json = body.take()});
    return 0;
}

int resizeVolume(Cli& cli, CommandLine& line) {
    const std::vector<std::string> names = line.parse();
    json::Writer body;
    body.object([&] { body.member("Size", parseBytes(names[1])); });
    cli.client().call({.method = "POST", .path = pathOf(names[0], "resize"), .query = {}, .json = body.take()});
    return 0;
}

int snapshotVolume(Cli& cli, CommandLine& line) {
    bool remove = false;
    std::string format;
    line.flags()
        .boolean(&remove, "rm", '\0', "Remove the snapshot")
        .string(&format, "format", '\0', formatUsage(true));
    const std::vector<std::string> names = line.parse();
    if (names.size() == 1) {
        if (remove) throw Error(Code::invalid, "--rm needs the name of a snapshot");
        return listSnapshots(cli, names[0], format);
    }
    if (remove) {
        cli.client().call({.method = "DELETE", .path = pathOf(names[0], "snapshots/") + segment(names[1]), .query = {}, .json = {}});
        return 0;
    }
    json::Writer body;
    body.object([&] { body.member("Snapshot", names[1]); });
    cli.client().call({.method = "POST", .path = pathOf(names[0], "snapshots"), .query = {}, .json = body.take()});
    printOut(names[1] + "\n");
    return 0;
}

}  // namespace davit::cli
