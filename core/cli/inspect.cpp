// davit inspect, container inspect, image inspect, network inspect, volume inspect
#include <functional>

#include "base/check.hpp"
#include "cli/formatter.hpp"
#include "cli/inspect_output.hpp"
#include "cli/verbs.hpp"

namespace davit::cli {
namespace {

using Fetch = std::function<std::string(const std::string& name)>;

std::string inspectContainer(Client& client, const std::string& name, bool size) {
    Client::Call call{.method = "GET", .path = "/containers/" + segment(name) + "/json", .query = {}, .json = {}};
    if (size) call.query.add("size", "1");
    return client.call(call);
}

std::string inspectImage(Client& client, const std::string& name, const std::string& platform) {
    Client::Call call{.method = "GET", .path = "/images/" + imageSegment(name) + "/json", .query = {}, .json = {}};
    if (!platform.empty()) call.query.add("platform", platform);
    return client.call(call);
}

std::string inspectNetwork(Client& client, const std::string& name, bool verbose) {
    Client::Call call{.method = "GET", .path = "/networks/" + segment(name), .query = {}, .json = {}};
    if (verbose) call.query.add("verbose", "true");
    return client.call(call);
}

std::string inspectVolume(Client& client, const std::string& name) {
    return client.call({.method = "GET", .path = "/volumes/" + segment(name), .query = {}, .json = {}});
}

// Tries one kind after the other; 404 leads to the next.
std::string inspectEither(Client& client, const std::string& name, const std::string& type, bool size) {
    try {
        if (type.empty() || type == "container") return inspectContainer(client, name, size);
    } catch (const ApiError& failure) {
        if (!type.empty() || failure.status() != 404) throw;
    }
    try {
        if (type.empty() || type == "image") return inspectImage(client, name, {});
    } catch (const ApiError& failure) {
        if (!type.empty() || failure.status() != 404) throw;
    }
    try {
        if (type.empty() || type == "network") return inspectNetwork(client, name, false);
    } catch (const ApiError& failure) {
        if (!type.empty() || failure.status() != 404) throw;
    }
    try {
        return inspectVolume(client, name);
    } catch (const ApiError& failure) {
        if (!type.empty() || failure.status() != 404) throw;
    }
    throw error(Code::not_found, "Error: No such object: {}", name);
}

int inspectAll(const std::vector<std::string>& names, const std::string& format, const Fetch& fetch) {
    InspectOutput output(format);
    std::string failures;
    for (const std::string& name : names) {
        try {
            output.add(fetch(name));
        } catch (const Error& failure) {
            failures += failure.text() + "\n";
        }
    }
    printOut(output.finish());
    printError(failures);
    return failures.empty() ? 0 : 1;
}

}  // namespace

int inspectAny(Cli& cli, CommandLine& line) {
    std::string format;
    std::string type;
    bool size = false;
    line.flags()
        .string(&format, "format", 'f', formatUsage(false))
        .boolean(&size, "size", 's', "Display total file sizes if the type is container")
        .string(&type, "type", '\0', "Only inspect objects of the given type");
    const std::vector<std::string> names = line.parse();
    if (line.flags().changed("type") && type.empty())
        throw Error(Code::invalid, "type is empty: must be one of \"container\", \"image\", \"network\", \"volume\"");
    if (!type.empty() && type != "container" && type != "image" && type != "network" && type != "volume")
        throw error(Code::invalid, "unknown type: \"{}\": must be one of \"container\", \"image\", \"network\", \"volume\"", type);
    return inspectAll(names, format,
                      [&](const std::string& name) { return inspectEither(cli.client(), name, type, size); });
}

int inspectContainers(Cli& cli, CommandLine& line) {
    std::string format;
    bool size = false;
    line.flags()
        .string(&format, "format", 'f', formatUsage(false))
        .boolean(&size, "size", 's', "Display total file sizes");
    const std::vector<std::string> names = line.parse();
    return inspectAll(names, format,
                      [&](const std::string& name) { return inspectContainer(cli.client(), name, size); });
}

int inspectNetworks(Cli& cli, CommandLine& line) {
    std::string format;
    bool verbose = false;
    line.flags()
        .string(&format, "format", 'f', formatUsage(false))
        .boolean(&verbose, "verbose", 'v', "Verbose output for diagnostics");
    const std::vector<std::string> names = line.parse();
    return inspectAll(names, format,
                      [&](const std::string& name) { return inspectNetwork(cli.client(), name, verbose); });
}

int inspectVolumes(Cli& cli, CommandLine& line) {
    std::string format;
    line.flags().string(&format, "format", 'f', formatUsage(false));
    const std::vector<std::string> names = line.parse();
    return inspectAll(names, format, [&](const std::string& name) { return inspectVolume(cli.client(), name); });
}

int inspectImages(Cli& cli, CommandLine& line) {
    std::string format;
    std::string platform;
    line.flags()
        .string(&format, "format", 'f', formatUsage(false))
        .string(&platform, "platform", '\0',
                "Inspect a specific platform of the multi-platform image (\"os[/arch[/variant]]\")");
    const std::vector<std::string> names = line.parse();
    return inspectAll(names, format,
                      [&](const std::string& name) { return inspectImage(cli.client(), name, platform); });
}

}  // namespace davit::cli
