// davit system df
#include <algorithm>

#include "base/check.hpp"
#include "base/id.hpp"
#include "cli/formatter.hpp"
#include "cli/units.hpp"
#include "cli/verbs.hpp"

namespace davit::cli {
namespace {

std::string sizeText(std::int64_t bytes) { return humanSize(static_cast<double>(bytes)); }

/// One line of the summary.
struct Part {
    std::string type;
    std::int64_t total = 0;
    std::int64_t active = 0;
    std::int64_t size = 0;
    std::int64_t reclaimable = 0;

    [[nodiscard]] std::shared_ptr<const tmpl::Record> row() const {
        auto record = std::make_shared<tmpl::Record>();
        record->fields["Type"] = type;
        record->fields["TotalCount"] = std::to_string(total);
        record->fields["Active"] = std::to_string(active);
        record->fields["Size"] = sizeText(size);
        record->fields["Reclaimable"] =
            sizeText(reclaimable) + (size > 0 ? " (" + std::to_string(reclaimable * 100 / size) + "%)" : std::string());
        return record;
    }
};

bool isActive(const json::Value& container) {
    const std::string state = container["State"].string();
    return state == "running" || state == "paused" || state == "restarting";
}

Part imagesOf(const json::Value& usage) {
    Part part{.type = "Images", .size = usage["LayersSize"].integer()};
    std::int64_t used = 0;
    for (const json::Value image : usage["Images"].array()) {
        ++part.total;
        if (image["Containers"].integer() <= 0) continue;
        ++part.active;
        if (image["Size"].integer() >= 0 && image["SharedSize"].integer() >= 0)
            used += image["Size"].integer() - image["SharedSize"].integer();
    }
    part.reclaimable = std::max<std::int64_t>(0, part.size - used);
    return part;
}

Part containersOf(const json::Value& usage) {
    Part part{.type = "Containers"};
    for (const json::Value container : usage["Containers"].array()) {
        ++part.total;
        part.size += container["SizeRw"].integer();
        if (isActive(container))
            ++part.active;
        else
            part.reclaimable += container["SizeRw"].integer();
    }
    return part;
}

Part volumesOf(const json::Value& usage) {
    Part part{.type = "Local Volumes"};
    for (const json::Value volume : usage["Volumes"].array()) {
        ++part.total;
        const std::int64_t size = std::max<std::int64_t>(0, volume["UsageData"]["Size"].integer());
        part.size += size;
        if (volume["UsageData"]["RefCount"].integer() > 0)
            ++part.active;
        else
            part.reclaimable += size;
    }
    return part;
}

std::string summary(const json::Value& usage, const std::string& format) {
    static const ListFormat kFormat{"{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}",
                                    {{"Type", "TYPE"},
                                     {"TotalCount", "TOTAL"},
                                     {"Active", "ACTIVE"},
                                     {"Size", "SIZE"},
                                     {"Reclaimable", "RECLAIMABLE"}}};
    Formatter formatter(format, kFormat, false);
    for (const Part& part : {imagesOf(usage), containersOf(usage), volumesOf(usage), Part{.type = "Build Cache"}}) formatter.add(part.row());
    return formatter.text();
}

std::string imageTable(const json::Value& usage) {
    static const ListFormat kFormat{"{{.ID}}\t{{.Name}}\t{{.Size}}\t{{.Shared}}\t{{.Unique}}\t{{.Containers}}",
                                    {{"ID", "IMAGE ID"},
                                     {"Name", "REPOSITORY:TAG"},
                                     {"Size", "SIZE"},
                                     {"Shared", "SHARED SIZE"},
                                     {"Unique", "UNIQUE SIZE"},
                                     {"Containers", "CONTAINERS"}}};
    Formatter formatter("", kFormat, false);
    for (const json::Value image : usage["Images"].array()) {
        const std::vector<std::string> tags = image["RepoTags"].strings();
        auto row = std::make_shared<tmpl::Record>();
        row->fields["ID"] = std::string(shortId(image["Id"].string()));
        row->fields["Name"] = tags.empty() ? "<none>" : tags.front();
        row->fields["Size"] = sizeText(image["Size"].integer());
        row->fields["Shared"] = sizeText(image["SharedSize"].integer());
        row->fields["Unique"] = sizeText(image["Size"].integer() - image["SharedSize"].integer());
        row->fields["Containers"] = std::to_string(image["Containers"].integer());
        formatter.add(std::move(row));
    }
    return formatter.text();
}

std::string containerTable(const json::Value& usage) {
    static const ListFormat kFormat{"{{.ID}}\t{{.Image}}\t{{.Volumes}}\t{{.Size}}\t{{.Status}}\t{{.Name}}",
                                    {{"ID", "CONTAINER ID"},
                                     {"Image", "IMAGE"},
                                     {"Volumes", "LOCAL VOLUMES"},
                                     {"Size", "SIZE"},
                                     {"Status", "STATUS"},
                                     {"Name", "NAMES"}}};
    Formatter formatter("", kFormat, false);
    for (const json::Value container : usage["Containers"].array()) {
        int volumes = 0;
        for (const json::Value mount : container["Mounts"].array()) volumes += mount["Type"].string() == "volume" ? 1 : 0;
        const std::vector<std::string> names = container["Names"].strings();
        auto row = std::make_shared<tmpl::Record>();
        row->fields["ID"] = std::string(shortId(container["Id"].string()));
        row->fields["Image"] = container["Image"].string();
        row->fields["Volumes"] = std::to_string(volumes);
        row->fields["Size"] = sizeText(container["SizeRw"].integer());
        row->fields["Status"] = container["Status"].string();
        row->fields["Name"] = names.empty() ? "" : names.front().substr(1);
        formatter.add(std::move(row));
    }
    return formatter.text();
}

std::string volumeTable(const json::Value& usage) {
    static const ListFormat kFormat{"{{.Name}}\t{{.Links}}\t{{.Size}}",
                                    {{"Name", "VOLUME NAME"}, {"Links", "LINKS"}, {"Size", "SIZE"}}};
    Formatter formatter("", kFormat, false);
    for (const json::Value volume : usage["Volumes"].array()) {
        const std::int64_t size = volume["UsageData"]["Size"].integer();
        auto row = std::make_shared<tmpl::Record>();
        row->fields["Name"] = volume["Name"].string();
        row->fields["Links"] = std::to_string(volume["UsageData"]["RefCount"].integer());
        row->fields["Size"] = size < 0 ? "N/A" : sizeText(size);
        formatter.add(std::move(row));
    }
    return formatter.text();
}

}  // namespace

int showUsage(Cli& cli, CommandLine& line) {
    std::string format;
    bool verbose = false;
    line.flags()
        .string(&format, "format", '\0', formatUsage(true))
        .boolean(&verbose, "verbose", 'v', "Show detailed information on space usage");
    (void)line.parse();
    if (verbose && !format.empty()) throw Error(Code::invalid, "the verbose and the format options conflict");
    const json::Document usage = cli.client().json({.method = "GET", .path = "/system/df", .query = {}, .json = {}});
    if (!verbose) {
        printOut(summary(usage.root(), format));
        return 0;
    }
    printOut("Images space usage:\n\n" + imageTable(usage.root()) + "\nContainers space usage:\n\n" + containerTable(usage.root()) +
             "\nLocal Volumes space usage:\n\n" + volumeTable(usage.root()));
    return 0;
}

}  // namespace davit::cli
