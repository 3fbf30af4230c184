// davit context …
#include <filesystem>

#include "base/check.hpp"
#include "cli/dial.hpp"
#include "cli/formatter.hpp"
#include "cli/inspect_output.hpp"
#include "cli/run_values.hpp"
#include "cli/units.hpp"
#include "cli/verbs.hpp"

namespace davit::cli {
namespace {

const ListFormat& contextFormat() {
    static const ListFormat kFormat{
        "{{.Name}}{{if .Current}} *{{end}}\t{{.Description}}\t{{.DockerEndpoint}}\t{{.Error}}",
        {{"Name", "NAME"},
         {"Description", "DESCRIPTION"},
         {"DockerEndpoint", "DOCKER ENDPOINT"},
         {"Error", "ERROR"},
         {"Current", ""}}};
    return kFormat;
}

// host=…,ca=…,cert=…,key=…,skip-tls-verify=…
void applyEndpoint(Endpoint& endpoint, const std::string& description) {
    for (const std::string& field : parseCsvLine(description)) {
        const auto [key, value] = cut(field, '=');
        if (!value) throw error(Code::invalid, "{} must be formatted as key=value", field);
        if (key == "host")
            endpoint.host = *value;
        else if (key == "ca")
            endpoint.ca = *value;
        else if (key == "cert")
            endpoint.cert = *value;
        else if (key == "key")
            endpoint.key = *value;
        else if (key == "skip-tls-verify")
            endpoint.skip_verify = parseBool(*value);
        else
            throw error(Code::invalid, "unrecognized config key: {}", key);
    }
    endpoint.tls = !endpoint.ca.empty() || !endpoint.cert.empty() || endpoint.skip_verify;
    (void)normalizeHost(endpoint.host, endpoint.tls);
}

std::string contextJson(const Context& context) {
    json::Writer out;
    out.object([&] {
        out.member("Name", context.name);
        out.object("Metadata", [&] {
            if (context.name != "default" && !context.description.empty())
                out.member("Description", context.description);
        });
        out.object("Endpoints", [&] {
            out.object("docker", [&] {
                out.member("Host", normalizeHost(context.endpoint.host, context.endpoint.tls));
                out.member("SkipTLSVerify", context.endpoint.tls && context.endpoint.skip_verify);
            });
        });
        out.object("TLSMaterial", [&] {
            std::vector<std::string> files;
            for (const std::string& file : {context.endpoint.ca, context.endpoint.cert, context.endpoint.key})
                if (!file.empty()) files.push_back(std::filesystem::path(file).filename());
            if (!files.empty()) out.member("docker", files);
        });
        out.object("Storage",
                   [&] { out.member("MetadataPath", context.meta_path).member("TLSPath", context.tls_path); });
    });
    return out.take();
}

void warnOfHostVariable(const Cli& cli) {
    if (!cli.options.hosts.empty() || environment({"DAVIT_HOST", "DOCKER_HOST"}).empty()) return;
    const char* name = environment({"DAVIT_HOST"}).empty() ? "DOCKER_HOST" : "DAVIT_HOST";
    printError(fmt::format(
        "Warning: {0} environment variable overrides the active context. To use a context, either set the global "
        "--context flag, or unset {0} environment variable.\n",
        name));
}

}  // namespace

int createContext(Cli& cli, CommandLine& line) {
    Context context;
    std::string endpoint;
    std::string from;
    line.flags()
        .string(&context.description, "description", '\0', "Description of the context")
        .string(&endpoint, "docker", '\0', "Set the endpoint (host=…,ca=…,cert=…,key=…,skip-tls-verify=…)")
        .string(&from, "from", '\0', "Create context from a named context");
    context.name = line.parse().front();
    const ContextStore store = cli.contexts();
    ContextStore::validateName(context.name);
    if (store.exists(context.name)) throw error(Code::conflict, "context \"{}\" already exists", context.name);
    if (!from.empty()) {
        const Context original = store.get(from);
        context.endpoint = original.endpoint;
        if (context.description.empty()) context.description = original.description;
    } else if (endpoint.empty()) {
        throw Error(Code::invalid, "docker endpoint configuration is required");
    }
    if (!endpoint.empty()) applyEndpoint(context.endpoint, endpoint);
    store.save(context);
    printOut(context.name + "\n");
    printError("Successfully created context \"" + context.name + "\"\n");
    return 0;
}

int updateContext(Cli& cli, CommandLine& line) {
    std::string description;
    std::string endpoint;
    line.flags()
        .string(&description, "description", '\0', "Description of the context")
        .string(&endpoint, "docker", '\0', "Set the endpoint (host=…,ca=…,cert=…,key=…,skip-tls-verify=…)");
    const std::string name = line.parse().front();
    ContextStore::validateName(name);
    Context context = cli.contexts().get(name);
    if (line.flags().changed("description")) context.description = description;
    if (!endpoint.empty()) {
        context.endpoint = Endpoint();
        applyEndpoint(context.endpoint, endpoint);
    }
    cli.contexts().save(context);
    printOut(name + "\n");
    printError("Successfully updated context \"" + name + "\"\n");
    return 0;
}

int listContexts(Cli& cli, CommandLine& line) {
    std::string format;
    bool quiet = false;
    line.flags()
        .string(&format, "format", '\0', formatUsage(true))
        .boolean(&quiet, "quiet", 'q', "Only show context names");
    (void)line.parse();
    Formatter formatter(format, contextFormat(), quiet, "Name");
    const std::string current = cli.contexts().currentName();
    for (const Context& context : cli.contexts().list()) {
        auto row = std::make_shared<tmpl::Record>();
        row->fields["Name"] = context.name;
        row->fields["Current"] = context.name == current;
        row->fields["Description"] = context.description;
        row->fields["DockerEndpoint"] =
            context.error.empty() ? normalizeHost(context.endpoint.host, context.endpoint.tls) : "";
        row->fields["Error"] = context.error;
        formatter.add(row);
    }
    printOut(formatter.text());
    if (!quiet) warnOfHostVariable(cli);
    return 0;
}

int useContext(Cli& cli, CommandLine& line) {
    const std::string name = line.parse().front();
    (void)cli.contexts().get(name);
    cli.config().set("currentContext", name == "default" ? "" : name);
    printOut(name + "\n");
    printError("Current context is now \"" + name + "\"\n");
    if (name != "default") warnOfHostVariable(cli);
    return 0;
}

int inspectContexts(Cli& cli, CommandLine& line) {
    std::string format;
    line.flags().string(&format, "format", 'f', formatUsage(false));
    std::vector<std::string> names = line.parse();
    if (names.empty()) names.push_back(cli.contexts().currentName());
    InspectOutput output(format);
    const int code =
        forEachName(names, false, [&](const std::string& name) { output.add(contextJson(cli.contexts().get(name))); });
    printOut(output.finish());
    return code;
}

int removeContexts(Cli& cli, CommandLine& line) {
    bool force = false;
    line.flags().boolean(&force, "force", 'f', "Force the removal of a context in use");
    const std::vector<std::string> names = line.parse();
    return forEachName(names, true, [&](const std::string& name) {
        if (name == "default") throw Error(Code::invalid, "context \"default\" cannot be removed");
        const bool current = cli.contexts().currentName() == name;
        if (current && !force)
            throw error(Code::conflict, "context \"{}\" is in use, set -f flag to force remove", name);
        if (!cli.contexts().exists(name) && force) return;
        cli.contexts().remove(name);
        if (cli.config().text("currentContext") == name) cli.config().set("currentContext", "");
    });
}

int showContext(Cli& cli, CommandLine& line) {
    (void)line.parse();
    printOut(cli.contexts().currentName() + "\n");
    return 0;
}

}  // namespace davit::cli
