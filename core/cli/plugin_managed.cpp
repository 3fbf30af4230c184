// davit plugin create, disable, enable, inspect, rm, set; and the managed plugins of davit plugin ls
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "base/check.hpp"
#include "base/id.hpp"
#include "base/process.hpp"
#include "cli/dial.hpp"
#include "cli/formatter.hpp"
#include "cli/inspect_output.hpp"
#include "cli/transfer.hpp"
#include "cli/verbs.hpp"

namespace davit::cli {
namespace {

const ListFormat& pluginFormat() {
    static const ListFormat kFormat{"{{.ID}}\t{{.Name}}\t{{.Description}}\t{{.Enabled}}",
                                    {{"ID", "ID"},
                                     {"Name", "NAME"},
                                     {"Description", "DESCRIPTION"},
                                     {"Enabled", "ENABLED"},
                                     {"PluginReference", "PLUGIN REFERENCE"}}};
    return kFormat;
}

std::string pathOf(const std::string& plugin, const char* what) { return "/plugins/" + imageSegment(plugin) + what; }

}  // namespace

int listManagedPlugins(Cli& cli, const std::string& format, bool quiet, bool no_trunc, const std::vector<std::string>& filters) {
    Formatter formatter(format, pluginFormat(), quiet);
    Client::Call call{.method = "GET", .path = "/plugins", .query = {}, .json = {}};
    if (const std::string text = filtersJson(filters); !text.empty()) call.query.add("filters", text);
    const json::Document reply = cli.client().json(call);
    for (const json::Value plugin : reply.root().array()) {
        auto row = std::make_shared<tmpl::Record>();
        const std::string id = plugin["Id"].string();
        row->fields["ID"] = no_trunc ? id : std::string(shortId(id));
        row->fields["Name"] = plugin["Name"].string();
        row->fields["Description"] = plugin["Config"]["Description"].string();
        row->fields["Enabled"] = plugin["Enabled"].boolean() ? "true" : "false";
        row->fields["PluginReference"] = plugin["PluginReference"].string();
        formatter.add(std::move(row));
    }
    printOut(formatter.text());
    return 0;
}

int createPlugin(Cli& cli, CommandLine& line) {
    const std::vector<std::string> names = line.parse();
    const std::filesystem::path directory = names[1];
    for (const char* part : {"config.json", "rootfs"})
        if (!std::filesystem::exists(directory / part))
            throw error(Code::invalid, "{} must have a config.json and a rootfs: there is no {}", names[1], part);
    int ends[2];
    check(::pipe2(ends, O_CLOEXEC), "make a pipe");
    const UniqueFd reader(ends[0]);
    UniqueFd writer(ends[1]);
    ChildProcess packer = ChildProcess::spawn(
        {.program = helperPath("davit-pack"), .args = {"davit-pack", names[1]}, .env = {}, .stdout_fd = writer.get(), .inherit = {}});
    writer.reset();
    FdSource source(reader.get());
    Client::Call call{.method = "POST", .path = "/plugins/create", .query = {}, .json = {}};
    call.query.add("name", names[0]);
    (void)cli.client().open(call, &source);
    if (const auto status = packer.wait(); status && status->dockerCode() != 0) throw Error(Code::system, "the plugin's folder couldn't be read");
    printOut(names[0] + "\n");
    return 0;
}

int enablePlugin(Cli& cli, CommandLine& line) {
    std::int64_t timeout = 30;
    line.flags().integer(&timeout, "timeout", '\0', "HTTP client timeout (in seconds)");
    const std::string name = line.parse().front();
    if (timeout < 0) throw error(Code::invalid, "negative timeout {} is invalid", timeout);
    Client::Call call{.method = "POST", .path = pathOf(name, "/enable"), .query = {}, .json = {}};
    call.query.add("timeout", std::to_string(timeout));
    cli.client().call(call);
    printOut(name + "\n");
    return 0;
}

int disablePlugin(Cli& cli, CommandLine& line) {
    bool force = false;
    line.flags().boolean(&force, "force", 'f', "Force the disable of an active plugin");
    const std::string name = line.parse().front();
    Client::Call call{.method = "POST", .path = pathOf(name, "/disable"), .query = {}, .json = {}};
    if (force) call.query.add("force", "1");
    cli.client().call(call);
    printOut(name + "\n");
    return 0;
}

int setPlugin(Cli& cli, CommandLine& line) {
    const std::vector<std::string> words = line.parse();
    json::Writer body;
    body.value(std::vector<std::string>(words.begin() + 1, words.end()));
    cli.client().call({.method = "POST", .path = pathOf(words[0], "/set"), .query = {}, .json = body.take()});
    return 0;
}

int removePlugins(Cli& cli, CommandLine& line) {
    bool force = false;
    line.flags().boolean(&force, "force", 'f', "Force the removal of an active plugin");
    std::string failures;
    for (const std::string& name : line.parse()) {
        Client::Call call{.method = "DELETE", .path = pathOf(name, ""), .query = {}, .json = {}};
        if (force) call.query.add("force", "1");
        try {
            cli.client().call(call);
            printOut(name + "\n");
        } catch (const ApiError& failure) {
            failures += failure.text() + "\n";
        }
    }
    printError(failures);
    return failures.empty() ? 0 : 1;
}

int inspectPlugins(Cli& cli, CommandLine& line) {
    std::string format;
    line.flags().string(&format, "format", 'f', formatUsage(false));
    InspectOutput output(format);
    std::string failures;
    for (const std::string& name : line.parse()) {
        try {
            output.add(cli.client().call({.method = "GET", .path = pathOf(name, "/json"), .query = {}, .json = {}}));
        } catch (const Error& failure) {
            failures += failure.text() + "\n";
        }
    }
    printOut(output.finish());
    printError(failures);
    return failures.empty() ? 0 : 1;
}

}  // namespace davit::cli
