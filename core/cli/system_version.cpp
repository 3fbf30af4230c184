// davit version
#include <ctime>

#include "base/check.hpp"
#include "base/clock.hpp"
#include "cli/formatter.hpp"
#include "cli/template.hpp"
#include "cli/verbs.hpp"

namespace davit::cli {
namespace {

std::string field(std::size_t indent, const std::string& label, const std::string& value) {
    constexpr std::size_t kValueColumn = 20;
    std::string out = std::string(indent, ' ') + label + ":";
    out.append(out.size() < kValueColumn ? kValueColumn - out.size() : 1, ' ');
    return out + value + "\n";
}

std::string apiText(Client* client) {
    constexpr const char* kDefault = "1.51";
    if (client == nullptr || client->apiVersion() == kDefault) return kDefault;
    return fmt::format("{} (downgraded from {})", client->apiVersion(), kDefault);
}

// "2026-05-07T21:09:36Z" as "Thu May  7 21:09:36 2026".
std::string buildTime(const std::string& text) {
    const std::optional<SystemTime> time = parseRfc3339(text);
    if (!time) return text;
    const std::time_t seconds = std::chrono::duration_cast<std::chrono::seconds>(time->time_since_epoch()).count();
    std::tm utc{};
    ::gmtime_r(&seconds, &utc);
    char buffer[40];
    return {buffer, std::strftime(buffer, sizeof buffer, "%a %b %e %H:%M:%S %Y", &utc)};
}

std::string engineText(const json::Value& component) {
    const json::Value details = component["Details"];
    std::string out = field(2, "Version", component["Version"].string());
    out += field(
        2, "API version",
        fmt::format("{} (minimum version {})", details["ApiVersion"].string(), details["MinAPIVersion"].string()));
    for (const auto& [name, label] : {std::pair{"GoVersion", "Go version"}, {"GitCommit", "Git commit"}})
        if (const std::string value = details[name].string(); !value.empty()) out += field(2, label, value);
    if (const std::string built = details["BuildTime"].string(); !built.empty()) out += field(2, "Built", buildTime(built));
    out += field(2, "OS/Arch", details["Os"].string() + "/" + details["Arch"].string());
    return out + field(2, "Experimental", details["Experimental"].string("false"));
}

std::string serverText(const json::Value& server) {
    const std::string platform = server["Platform"]["Name"].string();
    std::string out = "\nServer:" + (platform.empty() ? "" : " " + platform) + "\n";
    for (const json::Value component : server["Components"].array()) {
        out += " " + component["Name"].string() + ":\n";
        if (component["Name"].string() == "Engine") {
            out += engineText(component);
            continue;
        }
        out += field(2, "Version", component["Version"].string());
        for (const auto& [name, value] : component["Details"].stringMap()) out += field(2, name, value);
    }
    return out;
}

std::string clientJson(Cli& cli, Client* client) {
    json::Writer out;
    out.object([&] {
        out.member("Version", "0.1.0").member("ApiVersion", client != nullptr ? client->apiVersion() : "1.51");
        out.member("DefaultAPIVersion", "1.51").member("GitCommit", "").member("GoVersion", "").member("Os", "linux");
        out.member("Arch", "amd64").member("BuildTime", "").member("Context", cli.contexts().currentName());
    });
    return out.take();
}

int printFormatted(const std::string& format, const std::string& client, const std::string& server) {
    const json::Document document =
        json::Document::parse("{\"Client\":" + client + ",\"Server\":" + (server.empty() ? "null" : server) + "}");
    if (format == "json") {
        printOut(document.root().text() + "\n");
        return 0;
    }
    try {
        printOut(tmpl::Template::parse(unescapeFormat(format)).run(tmpl::Value(document.root())) + "\n");
    } catch (const Error& failure) {
        throw ExitError(64, "template parsing error: " + failure.text());
    }
    return 0;
}

}  // namespace

int showVersion(Cli& cli, CommandLine& line) {
    std::string format;
    line.flags().string(&format, "format", 'f', formatUsage(false));
    (void)line.parse();
    std::string server;
    std::string failure;
    Client* client = nullptr;
    try {
        server = cli.client().call({.method = "GET", .path = "/version", .query = {}, .json = {}});
        client = &cli.client();
    } catch (const Error& unreachable) {  // the client's half is shown all the same
        failure = unreachable.text();
    }
    int code = failure.empty() ? 0 : 1;
    if (!format.empty()) {
        code |= printFormatted(format, clientJson(cli, client), server);
    } else {
        std::string out = "Client:\n" + field(1, "Version", "0.1.0") + field(1, "API version", apiText(client)) +
                          field(1, "OS/Arch", "linux/amd64") + field(1, "Context", cli.contexts().currentName());
        if (!server.empty()) out += serverText(json::Document::parse(server).root());
        printOut(out);
    }
    if (!failure.empty()) printError(failure + "\n");
    return code;
}

}  // namespace davit::cli
