// davit ps
#include <algorithm>
#include <tuple>

#include "base/check.hpp"
#include "base/clock.hpp"
#include "base/id.hpp"
#include "cli/formatter.hpp"
#include "cli/table.hpp"
#include "cli/units.hpp"
#include "cli/verbs.hpp"

namespace davit::cli {
namespace {

const ListFormat& containerFormat(bool size) {
    static const Columns kColumns = {{"ID", "CONTAINER ID"},
                                     {"Image", "IMAGE"},
                                     {"Command", "COMMAND"},
                                     {"CreatedAt", "CREATED AT"},
                                     {"RunningFor", "CREATED"},
                                     {"Ports", "PORTS"},
                                     {"State", "STATE"},
                                     {"Status", "STATUS"},
                                     {"Names", "NAMES"},
                                     {"Size", "SIZE"},
                                     {"Labels", "LABELS"},
                                     {"Mounts", "MOUNTS"},
                                     {"LocalVolumes", "LOCAL VOLUMES"},
                                     {"Networks", "NETWORKS"},
                                     {"Platform", "PLATFORM"}};
    static const std::string kTable =
        "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}";
    static const ListFormat kPlain{kTable, kColumns};
    static const ListFormat kSized{kTable + "\t{{.Size}}", kColumns};
    return size ? kSized : kPlain;
}

struct Port {
    std::int64_t inner = 0;
    std::int64_t outer = 0;
    std::string type;
    std::string ip;
};

std::string hostAndPort(const std::string& ip, const std::string& port) {
    return (ip.find(':') != std::string::npos ? "[" + ip + "]" : ip) + ":" + port;
}

// A run of ports that are published on themselves, or not published: "80-90/tcp", "0.0.0.0:80-90->80-90/tcp".
struct PortRun {
    std::string ip;
    std::string type;
    std::int64_t first = 0;
    std::int64_t last = 0;
    [[nodiscard]] std::string text() const {
        const std::string range = first == last ? std::to_string(first) : fmt::format("{}-{}", first, last);
        return (ip.empty() ? range : hostAndPort(ip, range) + "->" + range) + "/" + type;
    }
};

std::string portsText(const json::Value& value) {
    std::vector<Port> ports;
    for (const json::Value port : value.array())
        ports.push_back(
            {port["PrivatePort"].integer(), port["PublicPort"].integer(), port["Type"].string(), port["IP"].string()});
    std::stable_sort(ports.begin(), ports.end(), [](const Port& a, const Port& b) {
        return std::tie(a.inner, a.ip, a.outer, a.type) < std::tie(b.inner, b.ip, b.outer, b.type);
    });
    std::vector<std::string> done;
    std::vector<std::string> mapped;
    std::vector<PortRun> open;
    for (const Port& port : ports) {
        if (!port.ip.empty() && port.outer != port.inner) {
            mapped.push_back(
                fmt::format("{}->{}/{}", hostAndPort(port.ip, std::to_string(port.outer)), port.inner, port.type));
            continue;
        }
        const auto run = std::find_if(open.begin(), open.end(),
                                      [&](const PortRun& one) { return one.ip == port.ip && one.type == port.type; });
        if (run == open.end()) {
            open.push_back({port.ip, port.type, port.inner, port.inner});
        } else if (port.inner == run->last + 1) {
            run->last = port.inner;
        } else if (port.inner != run->last) {
            done.push_back(run->text());
            *run = {port.ip, port.type, port.inner, port.inner};
        }
    }
    for (const PortRun& run : open) done.push_back(run.text());
    done.insert(done.end(), mapped.begin(), mapped.end());
    std::string out;
    for (const std::string& one : done) out += (out.empty() ? "" : ", ") + one;
    return out;
}

std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        if (c == '\n')
            out += "\\n";
        else if (c == '\t')
            out += "\\t";
        else
            out += c;
    }
    return out + "\"";
}

std::string namesText(const json::Value& names, bool truncate) {
    std::string out;
    for (std::string name : names.strings()) {
        if (name.starts_with('/')) name.erase(0, 1);
        if (truncate && name.find('/') != std::string::npos) continue;  // a link's alias
        out += (out.empty() ? "" : ",") + name;
    }
    return out;
}

std::string imageText(const json::Value& container, bool truncate) {
    const std::string image = container["Image"].string();
    if (image.empty()) return "<no image>";
    if (!truncate) return image;
    const std::string id = container["ImageID"].string();
    if (shortId(image) == shortId(id)) return std::string(shortId(id));
    return image.substr(0, image.find('@'));
}

void addMounts(tmpl::Record& row, const json::Value& mounts, bool truncate) {
    std::string names;
    std::int64_t local = 0;
    for (const json::Value mount : mounts.array()) {
        const std::string name = mount["Name"].string();
        const std::string shown = name.empty() ? mount["Source"].string() : name;
        names += (names.empty() ? "" : ",") + (truncate ? ellipsis(shown, 15) : shown);
        if (mount["Driver"].string() == "local") ++local;
    }
    row.fields["Mounts"] = names;
    row.fields["LocalVolumes"] = std::to_string(local);
}

std::string sizeText(const json::Value& container) {
    const double writable = static_cast<double>(container["SizeRw"].integer());
    const double whole = static_cast<double>(container["SizeRootFs"].integer());
    return humanSize(writable, 3) + (whole > 0 ? " (virtual " + humanSize(whole, 3) + ")" : "");
}

std::shared_ptr<const tmpl::Record> rowOf(const json::Value& container, bool truncate) {
    auto row = std::make_shared<tmpl::Record>();
    const std::chrono::seconds created(container["Created"].integer());
    const std::string command = container["Command"].string();
    std::string networks;
    for (const auto& [name, network] : container["NetworkSettings"]["Networks"].object())
        networks += (networks.empty() ? "" : ",") + std::string(name);
    row->fields["ID"] = truncate ? std::string(shortId(container["Id"].string())) : container["Id"].string();
    row->fields["Names"] = namesText(container["Names"], truncate);
    row->fields["Image"] = imageText(container, truncate);
    row->fields["Command"] = quoted(truncate ? ellipsis(command, 20) : command);
    row->fields["CreatedAt"] = goTimeText(created);
    row->fields["RunningFor"] = humanDuration(now().time_since_epoch() - created) + " ago";
    row->fields["Ports"] = portsText(container["Ports"]);
    row->fields["State"] = container["State"].string();
    row->fields["Status"] = container["Status"].string();
    row->fields["Size"] = sizeText(container);
    row->fields["Labels"] = joinLabels(container["Labels"]);
    row->fields["Networks"] = networks;
    row->fields["Platform"] = tmpl::Value();
    addMounts(*row, container["Mounts"], truncate);
    row->methods["Label"] = [labels = container["Labels"].stringMap()](const tmpl::List& given) -> tmpl::Value {
        const auto found = given.empty() ? labels.end() : labels.find(given[0].print());
        return found == labels.end() ? "" : found->second;
    };
    return row;
}

struct ListOptions {
    bool all = false;
    bool latest = false;
    bool no_trunc = false;
    bool quiet = false;
    bool size = false;
    std::int64_t last = -1;
    std::string format;
    std::vector<std::string> filters;
};

void declareListFlags(FlagSet& flags, ListOptions& o) {
    flags.boolean(&o.all, "all", 'a', "Show all containers (default shows just running)")
        .custom([&o](const std::string& value) { o.filters.push_back(checkFilter(value)); }, "filter", 'f', "filter",
                "Filter output based on conditions provided")
        .string(&o.format, "format", '\0', formatUsage(true))
        .integer(&o.last, "last", 'n', "Show n last created containers (includes all states)")
        .boolean(&o.latest, "latest", 'l', "Show the latest created container (includes all states)")
        .boolean(&o.no_trunc, "no-trunc", '\0', "Don't truncate output")
        .boolean(&o.quiet, "quiet", 'q', "Only display container IDs")
        .boolean(&o.size, "size", 's', "Display total file sizes");
}

}  // namespace

int listContainers(Cli& cli, CommandLine& line) {
    ListOptions options;
    declareListFlags(line.flags(), options);
    (void)line.parse();
    std::string format = options.format;
    if (format.empty() && !options.quiet) format = cli.config().text("psFormat");
    Formatter formatter(format, containerFormat(options.size), options.quiet);
    Client::Call call{.method = "GET", .path = "/containers/json", .query = {}, .json = {}};
    if (options.all) call.query.add("all", "1");
    if (options.latest && options.last == -1) options.last = 1;
    if (options.last > 0) call.query.add("limit", std::to_string(options.last));
    if (options.size || formatter.uses("Size") || options.format.find("{{json .}}") != std::string::npos)
        call.query.add("size", "1");
    const std::string filters = filtersJson(options.filters);
    if (!filters.empty()) call.query.add("filters", filters);
    const json::Document reply = cli.client().json(call);
    for (const json::Value container : reply.root().array()) formatter.add(rowOf(container, !options.no_trunc));
    printOut(formatter.text());
    return 0;
}

}  // namespace davit::cli
