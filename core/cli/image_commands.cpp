// davit tag, davit rmi
#include "base/check.hpp"
#include "cli/verbs.hpp"

namespace davit::cli {

int tagImage(Cli& cli, CommandLine& line) {
    const std::vector<std::string> names = line.parse();
    const std::string& target = names[1];
    const std::size_t colon = target.rfind(':');
    const bool tagged = colon != std::string::npos && target.find('/', colon) == std::string::npos;
    Client::Call call{.method = "POST", .path = "/images/" + imageSegment(names[0]) + "/tag", .query = {}, .json = {}};
    call.query.add("repo", target.substr(0, tagged ? colon : target.size()));
    call.query.add("tag", tagged ? target.substr(colon + 1) : "latest");
    cli.client().call(call);
    return 0;
}

int removeImages(Cli& cli, CommandLine& line) {
    bool force = false;
    bool no_prune = false;
    std::vector<std::string> platforms;
    line.flags()
        .boolean(&force, "force", 'f', "Force removal of the image")
        .boolean(&no_prune, "no-prune", '\0', "Do not delete untagged parents")
        .list(&platforms, "platform", '\0', "Remove only the given platform variant (\"os[/arch[/variant]]\")",
              "strings");
    const std::vector<std::string> names = line.parse();
    bool failed = false;
    for (const std::string& name : names) {
        Client::Call call{.method = "DELETE", .path = "/images/" + imageSegment(name), .query = {}, .json = {}};
        if (force) call.query.add("force", "1");
        if (no_prune) call.query.add("noprune", "1");
        for (const std::string& platform : platforms) call.query.add("platforms", platform);
        try {
            const json::Document reply = cli.client().json(call);
            for (const json::Value item : reply.root().array())
                printOut(item["Deleted"] ? "Deleted: " + item["Deleted"].string() + "\n"
                                         : "Untagged: " + item["Untagged"].string() + "\n");
        } catch (const ApiError& failure) {
            printError(failure.text() + "\n");
            if (!force || failure.status() != 404)
                failed = true;  // forced: a missing image is as good as a removed one
        }
    }
    return failed ? 1 : 0;
}

}  // namespace davit::cli
