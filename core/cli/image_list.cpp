// davit images, davit history
#include <algorithm>
#include <ctime>
#include <map>

#include "base/check.hpp"
#include "base/clock.hpp"
#include "base/id.hpp"
#include "cli/formatter.hpp"
#include "cli/table.hpp"
#include "cli/units.hpp"
#include "cli/verbs.hpp"

namespace davit::cli {
namespace {

constexpr const char* kNone = "<none>";

const ListFormat& imageFormat(bool digests) {
    static const Columns kColumns = {{"ID", "IMAGE ID"},
                                     {"Repository", "REPOSITORY"},
                                     {"Tag", "TAG"},
                                     {"Digest", "DIGEST"},
                                     {"CreatedSince", "CREATED"},
                                     {"CreatedAt", "CREATED AT"},
                                     {"Size", "SIZE"},
                                     {"Containers", "CONTAINERS"},
                                     {"VirtualSize", "SIZE"},
                                     {"SharedSize", "SHARED SIZE"},
                                     {"UniqueSize", "UNIQUE SIZE"}};
    static const ListFormat kPlain{
        "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{if .CreatedSince }}{{.CreatedSince}}{{else}}N/A{{end}}\t{{.Size}}",
        kColumns};
    static const ListFormat kDigests{
        "{{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{if .CreatedSince "
        "}}{{.CreatedSince}}{{else}}N/A{{end}}\t{{.Size}}",
        kColumns};
    return digests ? kDigests : kPlain;
}

const ListFormat& historyFormat(bool human) {
    static const Columns kColumns = {
        {"ID", "IMAGE"},  {"CreatedSince", "CREATED"}, {"CreatedAt", "CREATED AT"}, {"CreatedBy", "CREATED BY"},
        {"Size", "SIZE"}, {"Comment", "COMMENT"}};
    static const ListFormat kHuman{"{{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}", kColumns};
    static const ListFormat kExact{"{{.ID}}\t{{.CreatedAt}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}", kColumns};
    return human ? kHuman : kExact;
}

// "docker.io/library/busybox" is called "busybox".
std::string familiarName(std::string name) {
    for (const std::string_view prefix : {"docker.io/library/", "docker.io/"})
        if (name.starts_with(prefix)) return name.substr(prefix.size());
    return name;
}

struct Name {
    std::string repository = kNone;
    std::string tag = kNone;
    std::string digest = kNone;
};

struct Names {
    std::vector<std::string> tags;
    std::vector<std::string> digests;
};

// Where a tag starts: the last colon, if no slash follows.
std::size_t tagStart(const std::string& reference) {
    const std::size_t colon = reference.rfind(':');
    const std::size_t slash = reference.rfind('/');
    return colon != std::string::npos && (slash == std::string::npos || slash < colon) ? colon : reference.size();
}

// One entry per line that the image gets.
std::vector<Name> namesOf(const json::Value& image, bool with_digests) {
    std::map<std::string, Names> by_repository;
    for (const std::string& reference : image["RepoTags"].strings()) {
        const std::size_t at = tagStart(reference);
        if (reference != "<none>:<none>")
            by_repository[familiarName(reference.substr(0, at))].tags.push_back(
                reference.substr(std::min(at + 1, reference.size())));
    }
    for (const std::string& reference : image["RepoDigests"].strings()) {
        const std::size_t at = reference.find('@');
        if (at != std::string::npos && reference != "<none>@<none>")
            by_repository[familiarName(reference.substr(0, at))].digests.push_back(reference.substr(at + 1));
    }
    std::vector<Name> out;
    for (auto& [repository, names] : by_repository) {
        if (!with_digests) names.digests.clear();
        if (names.tags.empty()) names.tags.emplace_back(kNone);
        if (names.digests.empty()) names.digests.emplace_back(kNone);
        for (const std::string& tag : names.tags)
            for (const std::string& digest : names.digests) out.push_back({repository, tag, digest});
    }
    if (out.empty()) out.emplace_back();
    return out;
}

std::string sizeOrUnknown(const json::Value& value) {
    const std::int64_t size = value.integer(-1);
    return size < 0 ? "N/A" : humanSize(static_cast<double>(size), 3);
}

std::shared_ptr<const tmpl::Record> rowOf(const json::Value& image, const Name& name, bool truncate) {
    auto row = std::make_shared<tmpl::Record>();
    const std::chrono::seconds created(image["Created"].integer());
    const std::int64_t containers = image["Containers"].integer(-1);
    const std::int64_t size = image["Size"].integer();
    const std::int64_t shared = image["SharedSize"].integer(-1);
    row->fields["ID"] = truncate ? std::string(shortId(image["Id"].string())) : image["Id"].string();
    row->fields["Repository"] = name.repository;
    row->fields["Tag"] = name.tag;
    row->fields["Digest"] = name.digest;
    row->fields["CreatedSince"] =
        created.count() <= 0 ? "N/A" : humanDuration(now().time_since_epoch() - created) + " ago";
    row->fields["CreatedAt"] = goTimeText(created);
    row->fields["Size"] = humanSize(static_cast<double>(size), 3);
    row->fields["Containers"] = containers < 0 ? "N/A" : std::to_string(containers);
    row->fields["VirtualSize"] = humanSize(static_cast<double>(size));
    row->fields["SharedSize"] = sizeOrUnknown(image["SharedSize"]);
    row->fields["UniqueSize"] = shared < 0 ? "N/A" : humanSize(static_cast<double>(size - shared), 3);
    return row;
}

std::string localRfc3339(std::chrono::seconds since_epoch) {
    const std::time_t seconds = since_epoch.count();
    std::tm local{};
    ::localtime_r(&seconds, &local);
    char text[40];
    std::string out(text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S%z", &local));
    if (out.ends_with("+0000")) return out.substr(0, out.size() - 5) + "Z";
    return out.insert(out.size() - 2, ":");
}

std::shared_ptr<const tmpl::Record> historyRow(const json::Value& entry, bool truncate, bool human) {
    auto row = std::make_shared<tmpl::Record>();
    const std::chrono::seconds created(entry["Created"].integer());
    std::string created_by = entry["CreatedBy"].string();
    std::replace(created_by.begin(), created_by.end(), '\t', ' ');
    row->fields["ID"] = truncate ? std::string(shortId(entry["Id"].string())) : entry["Id"].string();
    row->fields["CreatedSince"] = created.count() <= 0 ? "N/A"
                                  : human              ? humanDuration(now().time_since_epoch() - created) + " ago"
                                                       : localRfc3339(created);
    row->fields["CreatedAt"] = localRfc3339(created);
    row->fields["CreatedBy"] = truncate ? ellipsis(created_by, 45) : created_by;
    row->fields["Size"] =
        human ? humanSize(static_cast<double>(entry["Size"].integer()), 3) : std::to_string(entry["Size"].integer());
    row->fields["Comment"] = entry["Comment"].string();
    return row;
}

}  // namespace

int listImages(Cli& cli, CommandLine& line) {
    bool all = false;
    bool digests = false;
    bool no_trunc = false;
    bool quiet = false;
    std::string format;
    std::vector<std::string> filters;
    line.flags()
        .boolean(&all, "all", 'a', "Show all images (default hides intermediate images)")
        .boolean(&digests, "digests", '\0', "Show digests")
        .custom([&filters](const std::string& value) { filters.push_back(checkFilter(value)); }, "filter", 'f',
                "filter", "Filter output based on conditions provided")
        .string(&format, "format", '\0', formatUsage(true))
        .boolean(&no_trunc, "no-trunc", '\0', "Don't truncate output")
        .boolean(&quiet, "quiet", 'q', "Only show image IDs");
    const std::vector<std::string> names = line.parse();
    if (!names.empty()) filters.push_back("reference=" + names.front());
    if (format.empty() && !quiet) format = cli.config().text("imagesFormat");
    Formatter formatter(format, imageFormat(digests), quiet);
    Client::Call call{.method = "GET", .path = "/images/json", .query = {}, .json = {}};
    if (all) call.query.add("all", "1");
    const std::string filter_json = filtersJson(filters);
    if (!filter_json.empty()) call.query.add("filters", filter_json);
    const json::Document reply = cli.client().json(call);
    const bool with_digests = digests || formatter.uses("Digest");
    for (const json::Value image : reply.root().array())
        for (const Name& name : namesOf(image, with_digests)) formatter.add(rowOf(image, name, !no_trunc));
    printOut(formatter.text());
    return 0;
}

int showHistory(Cli& cli, CommandLine& line) {
    bool human = true;
    bool no_trunc = false;
    bool quiet = false;
    std::string format;
    std::string platform;
    line.flags()
        .string(&format, "format", '\0', formatUsage(true))
        .boolean(&human, "human", 'H', "Print sizes and dates in human readable format")
        .boolean(&no_trunc, "no-trunc", '\0', "Don't truncate output")
        .string(&platform, "platform", '\0', "Show history for the given platform (\"os[/arch[/variant]]\")")
        .boolean(&quiet, "quiet", 'q', "Only show image IDs");
    const std::string name = line.parse().front();
    Formatter formatter(format, historyFormat(human), quiet);
    Client::Call call{.method = "GET", .path = "/images/" + imageSegment(name) + "/history", .query = {}, .json = {}};
    if (!platform.empty()) call.query.add("platform", platform);
    const json::Document reply = cli.client().json(call);
    for (const json::Value entry : reply.root().array()) formatter.add(historyRow(entry, !no_trunc, human));
    printOut(formatter.text());
    return 0;
}

}  // namespace davit::cli
