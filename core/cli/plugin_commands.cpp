// davit plugin …
#include <unistd.h>

#include "base/check.hpp"
#include "cli/dial.hpp"
#include "cli/formatter.hpp"
#include "cli/verbs.hpp"

namespace davit::cli {
namespace {

const ListFormat& driverFormat() {
    static const ListFormat kFormat{"{{.Kind}}\t{{.Name}}\t{{.Version}}\t{{.Transport}}\t{{.State}}\t{{.Reason}}",
                                    {{"Kind", "KIND"},
                                     {"Name", "NAME"},
                                     {"Version", "VERSION"},
                                     {"Transport", "TRANSPORT"},
                                     {"State", "STATE"},
                                     {"Reason", "REASON"},
                                     {"Description", "DESCRIPTION"},
                                     {"Plugin", "PLUGIN"},
                                     {"File", "FILE"},
                                     {"Isolation", "ISOLATION"},
                                     {"Generation", "GENERATION"}}};
    return kFormat;
}

}  // namespace

int listPlugins(Cli& cli, CommandLine& line) {
    std::string format;
    bool quiet = false;
    bool managed = false;
    bool no_trunc = false;
    std::vector<std::string> filters;
    line.flags()
        .custom([&filters](const std::string& value) { filters.push_back(checkFilter(value)); }, "filter", 'f', "filter",
                "Provide filter values (e.g. \"enabled=true\"); of managed plugins")
        .string(&format, "format", '\0', formatUsage(true))
        .boolean(&managed, "managed", 'm', "List the managed plugins instead, enabled or not")
        .boolean(&no_trunc, "no-trunc", '\0', "Do not truncate the output")
        .boolean(&quiet, "quiet", 'q', "Only display names");
    (void)line.parse();
    if (managed || !filters.empty()) return listManagedPlugins(cli, format, quiet, no_trunc, filters);
    Formatter formatter(format, driverFormat(), quiet, "Name");
    const json::Document reply =
        cli.client().json({.method = "GET", .path = "/davit/drivers", .query = {}, .json = {}});
    for (const json::Value driver : reply.root().array()) {
        auto row = std::make_shared<tmpl::Record>();
        for (const auto& [name, header] : driverFormat().columns) row->fields[name] = tmpl::Value(driver[name]);
        formatter.add(row);
    }
    printOut(formatter.text());
    return 0;
}

// The suite is a program of the SDK: everything behind the command's name is its business.
int checkPlugin(Cli&, CommandLine& line) {
    const std::string program = helperPath("davit-plugin-check");
    std::vector<std::string> arguments = line.raw();
    std::vector<char*> vector;
    std::string name = "davit plugin check";
    vector.push_back(name.data());
    for (std::string& argument : arguments) vector.push_back(argument.data());
    vector.push_back(nullptr);
    (void)::execv(program.c_str(), vector.data());
    check(-1, "execute {}", program);
    return 1;
}

}  // namespace davit::cli
