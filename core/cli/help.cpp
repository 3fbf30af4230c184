// Help pages in Docker's layout.
#include <fmt/format.h>

#include <algorithm>

#include "cli/cli.hpp"

namespace davit::cli {
namespace {

using Lines = std::vector<std::pair<std::string, std::string>>;

std::string section(const std::string& heading, Lines lines) {
    std::sort(lines.begin(), lines.end());
    std::string out = heading + ":\n";
    for (const auto& [name, summary] : lines) out += fmt::format("  {:<11} {}\n", name, summary);
    return out + "\n";
}

std::string aliasLine(const Command& command) {
    if (command.group.empty()) return {};
    const std::string prefix = fmt::format("davit {} ", command.group);
    std::string out = prefix + std::string(command.name);
    std::string_view aliases = command.aliases;
    while (!aliases.empty()) {
        const std::string_view one = aliases.substr(0, aliases.find(','));
        out += ", " + prefix + std::string(one);
        aliases.remove_prefix(std::min(aliases.size(), one.size() + 1));
    }
    if (!command.shortcut.empty()) out += ", davit " + std::string(command.shortcut);
    return out.find(',') == std::string::npos ? std::string() : "Aliases:\n  " + out + "\n\n";
}

bool isCommon(std::string_view name) {
    for (const std::string_view one : {"run", "exec", "ps", "images", "version", "info"})
        if (name == one) return true;
    return false;
}

}  // namespace

std::string CommandLine::usageLine() const {
    return called_as_ + (command_.usage.empty() ? "" : " " + std::string(command_.usage));
}

std::string CommandLine::help() const {
    std::string out = fmt::format("Usage:  {}\n\n{}\n\n{}", usageLine(), command_.summary, aliasLine(command_));
    const std::string usages = flags_.usages(terminalColumns() - 1);
    if (!usages.empty()) out += "Options:\n" + usages;
    while (out.ends_with("\n\n")) out.pop_back();
    return out;
}

std::string groupHelp(const Group& group) {
    Lines lines;
    for (const Command& command : commandTable())
        if (command.group == group.name && !command.hidden) lines.emplace_back(command.name, command.summary);
    return fmt::format(
        "Usage:  davit {0} COMMAND\n\n{1}\n\n{2}Run 'davit {0} COMMAND --help' for more information on a command.\n",
        group.name, group.summary, section("Commands", lines));
}

std::string mainHelp(const FlagSet& global) {
    Lines common;
    Lines groups;
    Lines others;
    for (const Command& command : commandTable())
        if (!command.shortcut.empty() && !command.hidden)
            (isCommon(command.shortcut) ? common : others).emplace_back(command.shortcut, command.summary);
    for (const Group& group : groupTable()) groups.emplace_back(group.name, group.summary);
    return "Usage:  davit [OPTIONS] COMMAND\n\nA container engine whose storage, networks and volumes are plugins\n\n" +
           section("Common Commands", common) + section("Management Commands", groups) + section("Commands", others) +
           "Global Options:\n" + global.usages(terminalColumns() - 1) +
           "\nRun 'davit COMMAND --help' for more information on a command.\n";
}

}  // namespace davit::cli
