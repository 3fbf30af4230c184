// davit volume create, ls, rm, update
#include <algorithm>

#include "base/check.hpp"
#include "cli/formatter.hpp"
#include "cli/verbs.hpp"

namespace davit::cli {
namespace {

const ListFormat& volumeFormat() {
    static const ListFormat kFormat{"{{.Driver}}\t{{.Name}}",
                                    {{"Name", "VOLUME NAME"},
                                     {"Driver", "DRIVER"},
                                     {"Scope", "SCOPE"},
                                     {"Mountpoint", "MOUNTPOINT"},
                                     {"Labels", "LABELS"},
                                     {"Links", "LINKS"},
                                     {"Size", "SIZE"}}};
    return kFormat;
}

std::shared_ptr<const tmpl::Record> rowOf(const json::Value& volume) {
    auto row = std::make_shared<tmpl::Record>();
    for (const char* name : {"Name", "Driver", "Scope", "Mountpoint"}) row->fields[name] = volume[name].string();
    row->fields["Labels"] = joinLabels(volume["Labels"]);
    // Only `system df` counts these.
    row->fields["Links"] = "N/A";
    row->fields["Size"] = "N/A";
    return row;
}

std::function<void(const std::string&)> into(std::map<std::string, std::string>& map) {
    return [&map](const std::string& text) {
        const std::size_t equals = std::min(text.find('='), text.size());
        map[text.substr(0, equals)] = text.substr(std::min(equals + 1, text.size()));
    };
}

}  // namespace

int createVolume(Cli& cli, CommandLine& line) {
    std::string driver = "local";
    std::map<std::string, std::string> labels;
    std::map<std::string, std::string> options;
    line.flags()
        .string(&driver, "driver", 'd', "Specify volume driver name")
        .custom(into(labels), "label", '\0', "list", "Set metadata for a volume")
        .custom(into(options), "opt", 'o', "map", "Set driver specific options");
    const std::vector<std::string> names = line.parse();
    json::Writer body;
    body.object([&] {
        if (!names.empty()) body.member("Name", names[0]);
        body.member("Driver", driver).member("DriverOpts", options).member("Labels", labels);
    });
    const json::Document reply =
        cli.client().json({.method = "POST", .path = "/volumes/create", .query = {}, .json = body.take()});
    printOut(reply.root()["Name"].string() + "\n");
    return 0;
}

int listVolumes(Cli& cli, CommandLine& line) {
    bool quiet = false;
    std::string format;
    std::vector<std::string> filters;
    line.flags()
        .custom([&filters](const std::string& value) { filters.push_back(checkFilter(value)); }, "filter", 'f', "filter",
                "Provide filter values (e.g. \"dangling=true\")")
        .string(&format, "format", '\0', formatUsage(true))
        .boolean(&quiet, "quiet", 'q', "Only display volume names");
    (void)line.parse();
    if (format.empty() && !quiet) format = cli.config().text("volumesFormat");
    Formatter formatter(format, volumeFormat(), quiet, "Name");
    Client::Call call{.method = "GET", .path = "/volumes", .query = {}, .json = {}};
    if (const std::string text = filtersJson(filters); !text.empty()) call.query.add("filters", text);
    const json::Document reply = cli.client().json(call);
    std::vector<json::Value> volumes;
    for (const json::Value volume : reply.root()["Volumes"].array()) volumes.push_back(volume);
    std::sort(volumes.begin(), volumes.end(),
              [](const json::Value& a, const json::Value& b) { return a["Name"].stringView() < b["Name"].stringView(); });
    for (const json::Value& volume : volumes) formatter.add(rowOf(volume));
    printOut(formatter.text());
    for (const std::string& warning : reply.root()["Warnings"].strings()) printError("WARNING: " + warning + "\n");
    return 0;
}

int removeVolumes(Cli& cli, CommandLine& line) {
    bool force = false;
    line.flags().boolean(&force, "force", 'f', "Force the removal of one or more volumes");
    std::string failures;
    for (const std::string& name : line.parse()) {
        Client::Call call{.method = "DELETE", .path = "/volumes/" + segment(name), .query = {}, .json = {}};
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

int updateVolume(Cli& cli, CommandLine& line) {
    std::string availability = "active";
    line.flags().string(&availability, "availability", '\0', "Cluster Volume availability (\"active\", \"pause\", \"drain\")");
    const std::string name = line.parse().front();
    json::Writer body;
    body.object([&] { body.object("Spec", [&] { body.member("Availability", availability); }); });
    cli.client().call({.method = "PUT", .path = "/volumes/" + segment(name), .query = {}, .json = body.take()});
    return 0;
}

}  // namespace davit::cli
