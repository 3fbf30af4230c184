// davit network connect, disconnect, update, ls, rm, prune
#include <algorithm>

#include "base/check.hpp"
#include "base/id.hpp"
#include "cli/formatter.hpp"
#include "cli/prompt.hpp"
#include "cli/verbs.hpp"

namespace davit::cli {
namespace {

const ListFormat& networkFormat() {
    static const ListFormat kFormat{"{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}",
                                    {{"ID", "NETWORK ID"},
                                     {"Name", "NAME"},
                                     {"Driver", "DRIVER"},
                                     {"Scope", "SCOPE"},
                                     {"IPv4", "IPV4"},
                                     {"IPv6", "IPV6"},
                                     {"Internal", "INTERNAL"},
                                     {"Labels", "LABELS"},
                                     {"CreatedAt", "CREATED AT"}}};
    return kFormat;
}

std::string trueOrFalse(bool value) { return value ? "true" : "false"; }

std::shared_ptr<const tmpl::Record> rowOf(const json::Value& network, bool truncate) {
    auto row = std::make_shared<tmpl::Record>();
    const std::string id = network["Id"].string();
    row->fields["ID"] = truncate ? std::string(shortId(id)) : id;
    row->fields["Name"] = network["Name"].string();
    row->fields["Driver"] = network["Driver"].string();
    row->fields["Scope"] = network["Scope"].string();
    // Engines before 1.48 have IPv4 always and don't say so.
    row->fields["IPv4"] = trueOrFalse(network["EnableIPv4"].boolean(true));
    row->fields["IPv6"] = trueOrFalse(network["EnableIPv6"].boolean());
    row->fields["Internal"] = trueOrFalse(network["Internal"].boolean());
    row->fields["Labels"] = joinLabels(network["Labels"]);
    row->fields["CreatedAt"] = network["Created"].string();
    return row;
}

std::map<std::string, std::string> mapOf(const std::vector<std::string>& pairs) {
    std::map<std::string, std::string> map;
    for (const std::string& text : pairs) {
        const std::size_t equals = std::min(text.find('='), text.size());
        map[text.substr(0, equals)] = text.substr(std::min(equals + 1, text.size()));
    }
    return map;
}

struct EndpointRequest {
    std::string ip;
    std::string ip6;
    std::int64_t gateway_priority = 0;
    std::vector<std::string> aliases;
    std::vector<std::string> driver_options;
    std::vector<std::string> links;
    std::vector<std::string> link_local_ips;
};

std::string connectBody(const std::string& container, const EndpointRequest& request) {
    json::Writer out;
    out.object([&] {
        out.member("Container", container);
        out.object("EndpointConfig", [&] {
            out.object("IPAMConfig", [&] {
                if (!request.ip.empty()) out.member("IPv4Address", request.ip);
                if (!request.ip6.empty()) out.member("IPv6Address", request.ip6);
                if (!request.link_local_ips.empty()) out.member("LinkLocalIPs", request.link_local_ips);
            });
            out.member("Links", request.links).member("Aliases", request.aliases);
            out.member("DriverOpts", mapOf(request.driver_options)).member("GwPriority", request.gateway_priority);
        });
    });
    return out.take();
}

}  // namespace

int connectNetwork(Cli& cli, CommandLine& line) {
    EndpointRequest request;
    line.flags()
        .list(&request.aliases, "alias", '\0', "Add network-scoped alias for the container", "strings")
        .list(&request.driver_options, "driver-opt", '\0', "driver options for the network", "strings")
        .integer(&request.gateway_priority, "gw-priority", '\0',
                 "Highest gw-priority provides the default gateway. Accepts positive and negative values.")
        .string(&request.ip, "ip", '\0', "IPv4 address (e.g., \"172.30.100.104\")")
        .string(&request.ip6, "ip6", '\0', "IPv6 address (e.g., \"2001:db8::33\")")
        .list(&request.links, "link", '\0', "Add link to another container")
        .list(&request.link_local_ips, "link-local-ip", '\0', "Add a link-local address for the container", "strings");
    const std::vector<std::string> names = line.parse();
    cli.client().call({.method = "POST", .path = "/networks/" + segment(names[0]) + "/connect", .query = {},
                       .json = connectBody(names[1], request)});
    return 0;
}

int disconnectNetwork(Cli& cli, CommandLine& line) {
    bool force = false;
    line.flags().boolean(&force, "force", 'f', "Force the container to disconnect from a network");
    const std::vector<std::string> names = line.parse();
    json::Writer body;
    body.object([&] { body.member("Container", names[1]).member("Force", force); });
    cli.client().call({.method = "POST", .path = "/networks/" + segment(names[0]) + "/disconnect", .query = {}, .json = body.take()});
    return 0;
}

int updateNetwork(Cli& cli, CommandLine& line) {
    std::vector<std::string> driver_options;
    line.flags().list(&driver_options, "driver-opt", '\0', "driver options to change; NAME= takes one back", "strings");
    const std::vector<std::string> names = line.parse();
    json::Writer body;
    body.object([&] {
        body.member("Container", names[1]);
        body.object("EndpointConfig", [&] { body.member("DriverOpts", mapOf(driver_options)); });
    });
    cli.client().call({.method = "POST", .path = "/networks/" + segment(names[0]) + "/update", .query = {}, .json = body.take()});
    return 0;
}

int listNetworks(Cli& cli, CommandLine& line) {
    bool no_trunc = false;
    bool quiet = false;
    std::string format;
    std::vector<std::string> filters;
    line.flags()
        .custom([&filters](const std::string& value) { filters.push_back(checkFilter(value)); }, "filter", 'f', "filter",
                "Provide filter values (e.g. \"driver=bridge\")")
        .string(&format, "format", '\0', formatUsage(true))
        .boolean(&no_trunc, "no-trunc", '\0', "Do not truncate the output")
        .boolean(&quiet, "quiet", 'q', "Only display network IDs");
    (void)line.parse();
    if (format.empty() && !quiet) format = cli.config().text("networksFormat");
    Formatter formatter(format, networkFormat(), quiet);
    Client::Call call{.method = "GET", .path = "/networks", .query = {}, .json = {}};
    const std::string filter_json = filtersJson(filters);
    if (!filter_json.empty()) call.query.add("filters", filter_json);
    const json::Document reply = cli.client().json(call);
    std::vector<json::Value> networks;
    for (const json::Value network : reply.root().array()) networks.push_back(network);
    std::sort(networks.begin(), networks.end(),
              [](const json::Value& a, const json::Value& b) { return a["Name"].string() < b["Name"].string(); });
    for (const json::Value& network : networks) formatter.add(rowOf(network, !no_trunc));
    printOut(formatter.text());
    return 0;
}

int removeNetworks(Cli& cli, CommandLine& line) {
    bool force = false;
    line.flags().boolean(&force, "force", 'f', "Do not error if the network does not exist");
    bool failed = false;
    for (const std::string& name : line.parse()) {
        try {
            cli.client().call({.method = "DELETE", .path = "/networks/" + segment(name), .query = {}, .json = {}});
            printOut(name + "\n");
        } catch (const ApiError& failure) {
            if (force && failure.status() == 404) continue;
            printError(failure.text() + "\n");
            failed = true;
        }
    }
    return failed ? 1 : 0;
}

int pruneNetworks(Cli& cli, CommandLine& line) {
    bool force = false;
    std::vector<std::string> filters;
    line.flags()
        .custom([&filters](const std::string& value) { filters.push_back(checkFilter(value)); }, "filter", '\0', "filter",
                "Provide filter values (e.g. \"until=<timestamp>\")")
        .boolean(&force, "force", 'f', "Do not prompt for confirmation");
    (void)line.parse();
    if (!force && !confirmed("WARNING! This will remove all custom networks not used by at least one container.\n"
                             "Are you sure you want to continue?"))
        return 0;
    Client::Call call{.method = "POST", .path = "/networks/prune", .query = {}, .json = {}};
    const std::string filter_json = filtersJson(filters);
    if (!filter_json.empty()) call.query.add("filters", filter_json);
    const json::Document reply = cli.client().json(call);
    const std::vector<std::string> deleted = reply.root()["NetworksDeleted"].strings();
    if (deleted.empty()) return 0;
    printOut("Deleted Networks:\n");
    for (const std::string& name : deleted) printOut(name + "\n");
    printOut("\n");
    return 0;
}

}  // namespace davit::cli
