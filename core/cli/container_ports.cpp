// davit port
#include <algorithm>

#include "base/check.hpp"
#include "cli/verbs.hpp"

namespace davit::cli {
namespace {

std::string hostPort(const json::Value& binding) {
    const std::string ip = binding["HostIp"].string();
    return (ip.find(':') == std::string::npos ? ip : "[" + ip + "]") + ":" + binding["HostPort"].string();
}

}  // namespace

int showPorts(Cli& cli, CommandLine& line) {
    const std::vector<std::string> arguments = line.parse();
    const json::Document container = cli.client().json(
        {.method = "GET", .path = "/containers/" + segment(arguments[0]) + "/json", .query = {}, .json = {}});
    std::string wanted = arguments.size() > 1 ? arguments[1] : "";
    if (!wanted.empty() && wanted.find('/') == std::string::npos) wanted += "/tcp";
    std::vector<std::string> lines;
    for (const auto& [port, bindings] : container.root()["NetworkSettings"]["Ports"].object()) {
        if (!wanted.empty() && port != wanted) continue;
        for (const json::Value binding : bindings.array())
            lines.push_back((wanted.empty() ? std::string(port) + " -> " : "") + hostPort(binding) + "\n");
    }
    if (lines.empty() && !wanted.empty()) throw error(Code::not_found, "Error: No public port '{}' published for {}", wanted, arguments[0]);
    std::sort(lines.begin(), lines.end());
    for (const std::string& text : lines) printOut(text);
    return 0;
}

}  // namespace davit::cli
