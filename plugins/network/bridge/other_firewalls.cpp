#include "other_firewalls.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>

namespace davit::bridge {
namespace {

// What stands between `before` and `after`; empty when they don't.
std::string_view between(std::string_view line, std::string_view before, std::string_view after) {
    const auto start = line.find(before);
    if (start == std::string_view::npos) return {};
    line.remove_prefix(start + before.size());
    return line.substr(0, line.find(after));
}

// Docker's chain for published ports, not those for its users' rules and for isolation.
bool jumpsTo(std::string_view line, std::string_view chain) {
    const std::string_view target = between(line, "jump ", " ");
    return target == chain;
}

}  // namespace

ForeignForward readForward(std::string_view listing) {
    ForeignForward result;
    while (!listing.empty()) {
        const std::string_view line = listing.substr(0, listing.find('\n'));
        listing.remove_prefix(std::min(listing.size(), line.size() + 1));
        if (line.find("hook forward") != std::string_view::npos) result.drops = line.find("policy drop") != std::string_view::npos;
        if (jumpsTo(line, "DAVIT-FORWARD")) result.jump = between(line, "# handle ", " ");
        if (const auto bridge = between(line, "oifname \"", "\""); jumpsTo(line, "DOCKER") && !bridge.empty()) result.bridges.emplace(bridge);
    }
    return result;
}

std::string forwardCommands(IpFamily family, const ForeignForward& found, const std::set<std::string>& bridges) {
    const char* word = family == IpFamily::v4 ? "ip" : "ip6";
    std::string text;
    const auto out = std::back_inserter(text);
    if (!found.drops || bridges.empty()) {
        if (found.jump.empty()) return {};
        fmt::format_to(out, "delete rule {0} filter FORWARD handle {1}\nflush chain {0} filter DAVIT-FORWARD\n", word, found.jump);
        fmt::format_to(out, "delete chain {} filter DAVIT-FORWARD\n", word);
        return text;
    }
    fmt::format_to(out, "add chain {0} filter DAVIT-FORWARD\nflush chain {0} filter DAVIT-FORWARD\n", word);
    for (const std::string& bridge : bridges)
        for (const char* way : {"iifname", "oifname"})
            fmt::format_to(out, "add rule {} filter DAVIT-FORWARD {} \"{}\" counter accept\n", word, way, bridge);
    if (found.jump.empty()) fmt::format_to(out, "add rule {} filter FORWARD counter jump DAVIT-FORWARD\n", word);
    return text;
}

}  // namespace davit::bridge
