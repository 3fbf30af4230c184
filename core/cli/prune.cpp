// davit container prune, image prune, volume prune
#include "base/check.hpp"
#include "cli/formatter.hpp"
#include "cli/prompt.hpp"
#include "cli/units.hpp"
#include "cli/verbs.hpp"

namespace davit::cli {
namespace {

struct PruneFlags {
    bool force = false;
    std::vector<std::string> filters;

    void declare(FlagSet& flags) {
        flags
            .custom([this](const std::string& value) { filters.push_back(checkFilter(value)); }, "filter", '\0', "filter",
                    "Provide filter values (e.g. \"until=<timestamp>\")")
            .boolean(&force, "force", 'f', "Do not prompt for confirmation");
    }
};

json::Document prune(Cli& cli, const std::string& path, const std::vector<std::string>& filters) {
    Client::Call call{.method = "POST", .path = path, .query = {}, .json = {}};
    if (const std::string text = filtersJson(filters); !text.empty()) call.query.add("filters", text);
    return cli.client().json(call);
}

/// The list of what went, if anything did, and what that freed.
void print(const std::string& list, std::int64_t reclaimed) {
    if (!list.empty()) printOut(list + "\n");
    printOut("Total reclaimed space: " + humanSize(static_cast<double>(list.empty() ? 0 : reclaimed)) + "\n");
}

}  // namespace

int pruneContainers(Cli& cli, CommandLine& line) {
    PruneFlags flags;
    flags.declare(line.flags());
    (void)line.parse();
    if (!flags.force &&
        !confirmed("WARNING! This will remove all stopped containers.\nAre you sure you want to continue?"))
        return 0;
    const json::Document reply = prune(cli, "/containers/prune", flags.filters);
    std::string list;
    for (const std::string& id : reply.root()["ContainersDeleted"].strings())
        list += (list.empty() ? "Deleted Containers:\n" : "") + id + "\n";
    print(list, reply.root()["SpaceReclaimed"].integer());
    return 0;
}

int pruneImages(Cli& cli, CommandLine& line) {
    PruneFlags flags;
    bool all = false;
    flags.declare(line.flags());
    line.flags().boolean(&all, "all", 'a', "Remove all unused images, not just dangling ones");
    (void)line.parse();
    flags.filters.push_back(std::string("dangling=") + (all ? "false" : "true"));
    const std::string what =
        all ? "WARNING! This will remove all images without at least one container associated to them.\n"
            : "WARNING! This will remove all dangling images.\n";
    if (!flags.force && !confirmed(what + "Are you sure you want to continue?")) return 0;
    const json::Document reply = prune(cli, "/images/prune", flags.filters);
    std::string list;
    for (const json::Value image : reply.root()["ImagesDeleted"].array()) {
        const std::string untagged = image["Untagged"].string();
        list += list.empty() ? "Deleted Images:\n" : "";
        list += untagged.empty() ? "deleted: " + image["Deleted"].string() + "\n" : "untagged: " + untagged + "\n";
    }
    print(list, reply.root()["SpaceReclaimed"].integer());
    return 0;
}

int pruneVolumes(Cli& cli, CommandLine& line) {
    constexpr int kAnonymousOnly = 42;  // older engines remove all
    PruneFlags flags;
    bool all = false;
    flags.declare(line.flags());
    line.flags().boolean(&all, "all", 'a', "Remove all unused volumes, not just anonymous ones");
    (void)line.parse();
    const bool anonymous = !all && cli.client().atLeast(kAnonymousOnly);
    if (all) flags.filters.emplace_back("all=true");
    const std::string what = anonymous ? "WARNING! This will remove anonymous local volumes not used by at least one container.\n"
                                       : "WARNING! This will remove all local volumes not used by at least one container.\n";
    if (!flags.force && !confirmed(what + "Are you sure you want to continue?")) return 0;
    const json::Document reply = prune(cli, "/volumes/prune", flags.filters);
    std::string list;
    for (const std::string& name : reply.root()["VolumesDeleted"].strings()) list += (list.empty() ? "Deleted Volumes:\n" : "") + name + "\n";
    print(list, reply.root()["SpaceReclaimed"].integer());
    return 0;
}

}  // namespace davit::cli
