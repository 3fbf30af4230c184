#include "image/config_changes.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <functional>
#include <map>

#include "base/check.hpp"
#include "image/words.hpp"

namespace davit::image {
namespace {

using oci::ImageDefaults;
using Strings = std::vector<std::string>;

std::string lower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
    return result;
}

/// The JSON form as it is, the shell form through the shell.
Strings commandOf(const ImageDefaults& config, std::string_view text) {
    if (auto words = jsonWords(text)) return *words;
    Strings command = config.shell.empty() ? Strings{"/bin/sh", "-c"} : config.shell;
    command.emplace_back(trimmed(text));
    return command;
}

/// The variables of a line are those that the lines before it set.
Variables variablesOf(const ImageDefaults& config) {
    return [&config](std::string_view name) -> std::optional<std::string> {
        for (const std::string& entry : config.env)
            if (entry.size() > name.size() && entry[name.size()] == '=' && entry.starts_with(name)) return entry.substr(name.size() + 1);
        return std::nullopt;
    };
}

void setCmd(ImageDefaults& config, std::string_view text) { config.cmd = commandOf(config, text); }

void setEntrypoint(ImageDefaults& config, std::string_view text) {
    config.entrypoint = trimmed(text).empty() ? Strings{} : commandOf(config, text);
}

void setEnv(ImageDefaults& config, std::string_view text) {
    for (const auto& [name, value] : splitPairs("ENV", text, variablesOf(config))) {
        const std::string prefix = name + "=";
        const auto same = [&](const std::string& entry) { return entry.starts_with(prefix); };
        const auto found = std::find_if(config.env.begin(), config.env.end(), same);
        if (found == config.env.end())
            config.env.push_back(prefix + value);
        else
            *found = prefix + value;
    }
}

unsigned portNumber(std::string_view text, std::string_view whole) {
    unsigned port = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (failure != std::errc() || end != text.data() + text.size() || port > 65535)
        throw error(Code::invalid, "invalid containerPort: {}", whole);
    return port;
}

void setExpose(ImageDefaults& config, std::string_view text) {
    // Here a value may be several words.
    for (const std::string& word : splitWords(expandWord(text, variablesOf(config)))) {
        const std::size_t slash = word.find('/');
        const std::string protocol = slash == std::string::npos ? "tcp" : lower(word.substr(slash + 1));
        if (protocol != "tcp" && protocol != "udp" && protocol != "sctp")
            throw error(Code::invalid, "invalid proto: {}", protocol);
        const std::string ports = word.substr(0, slash);
        const std::size_t dash = ports.find('-');
        const unsigned first = portNumber(ports.substr(0, dash), word);
        const unsigned last = dash == std::string::npos ? first : portNumber(ports.substr(dash + 1), word);
        if (last < first) throw error(Code::invalid, "invalid containerPort: {}", word);
        for (unsigned port = first; port <= last; ++port)
            config.exposed_ports.insert(fmt::format("{}/{}", port, protocol));
    }
}

void setHealthcheck(ImageDefaults& config, std::string_view text) {
    oci::Healthcheck health;
    text = trimmed(text);
    while (text.starts_with("--")) {
        const std::size_t end = text.find_first_of(" \t");
        const std::string_view option = text.substr(2, end == std::string_view::npos ? end : end - 2);
        const std::size_t equal = option.find('=');
        const std::string name(option.substr(0, equal));
        const std::string value(equal == std::string_view::npos ? std::string_view() : option.substr(equal + 1));
        if (name == "interval")
            health.interval_ns = parseDurationNs(value);
        else if (name == "timeout")
            health.timeout_ns = parseDurationNs(value);
        else if (name == "start-period")
            health.start_period_ns = parseDurationNs(value);
        else if (name == "start-interval")
            health.start_interval_ns = parseDurationNs(value);
        else if (name == "retries")
            health.retries = static_cast<std::int64_t>(portNumber(value, value));
        else
            throw error(Code::invalid, "unknown flag: --{}", name);
        text = end == std::string_view::npos ? std::string_view() : trimmed(text.substr(end));
    }
    const std::size_t space = text.find_first_of(" \t");
    const std::string type = lower(text.substr(0, space));
    const std::string_view rest = space == std::string_view::npos ? std::string_view() : trimmed(text.substr(space));
    if (type == "none" && rest.empty()) {
        health = {.test = {"NONE"}};
    } else if (type == "cmd" && !rest.empty()) {
        const auto words = jsonWords(rest);
        health.test = {words ? "CMD" : "CMD-SHELL"};
        if (words)
            health.test.insert(health.test.end(), words->begin(), words->end());
        else
            health.test.emplace_back(rest);
    } else {
        throw error(Code::invalid, "Unknown type \"{}\" in HEALTHCHECK (try CMD)", text.substr(0, space));
    }
    config.healthcheck = std::move(health);
}

void setLabel(ImageDefaults& config, std::string_view text) {
    for (const auto& [name, value] : splitPairs("LABEL", text, variablesOf(config))) config.labels[name] = value;
}

void setOnBuild(ImageDefaults& config, std::string_view text) {
    const std::string first = lower(text.substr(0, text.find_first_of(" \t")));
    if (first == "onbuild") throw Error(Code::invalid, "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
    if (first == "from" || first == "maintainer")
        throw error(Code::invalid, "{} isn't allowed as an ONBUILD trigger", first == "from" ? "FROM" : "MAINTAINER");
    config.on_build.emplace_back(text);
}

void setStopSignal(ImageDefaults& config, std::string_view text) { config.stop_signal = expandWord(text, variablesOf(config)); }

void setUser(ImageDefaults& config, std::string_view text) {
    const auto words = splitWords(text, variablesOf(config));
    if (words.size() != 1) throw Error(Code::invalid, "USER requires exactly one argument");
    config.user = words.front();
}

void setVolume(ImageDefaults& config, std::string_view text) {
    const Variables variables = variablesOf(config);
    auto paths = jsonWords(text);
    if (paths)
        for (std::string& path : *paths) path = expandWord(path, variables);
    else
        paths = splitWords(text, variables);
    for (const std::string& path : *paths) {
        if (std::string(trimmed(path)).empty())
            throw Error(Code::invalid, "VOLUME specified can not be an empty string");
        config.volumes.insert(path);
    }
}

void setWorkdir(ImageDefaults& config, std::string_view text) {
    const auto words = splitWords(text, variablesOf(config));
    if (words.size() != 1) throw Error(Code::invalid, "WORKDIR requires exactly one argument");
    const std::filesystem::path base = config.working_dir.empty() ? "/" : config.working_dir;
    config.working_dir = (base / words.front()).lexically_normal().string();
    if (config.working_dir.size() > 1 && config.working_dir.ends_with('/')) config.working_dir.pop_back();
}

using Setter = void (*)(ImageDefaults&, std::string_view);

const std::map<std::string, Setter>& setters() {
    static const std::map<std::string, Setter> all = {
        {"cmd", setCmd},       {"entrypoint", setEntrypoint},   {"env", setEnv},         {"expose", setExpose},
        {"user", setUser},     {"healthcheck", setHealthcheck}, {"label", setLabel},     {"onbuild", setOnBuild},
        {"volume", setVolume}, {"stopsignal", setStopSignal},   {"workdir", setWorkdir},
    };
    return all;
}

}  // namespace

std::int64_t parseDurationNs(const std::string& text) {
    const auto fail = [&] { return error(Code::invalid, "time: invalid duration \"{}\"", text); };
    static const std::vector<std::pair<std::string_view, double>> units = {{"ns", 1},  {"us", 1e3}, {"ms", 1e6},
                                                                           {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};
    std::string_view rest = text;
    double total = 0;
    if (rest.empty()) throw fail();
    while (!rest.empty()) {
        double number = 0;
        const auto [end, failure] =
            std::from_chars(rest.data(), rest.data() + rest.size(), number, std::chars_format::fixed);
        if (failure != std::errc() || number < 0) throw fail();
        rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
        const std::size_t length = std::min(rest.size(), rest.find_first_of("0123456789."));
        const auto unit =
            std::find_if(units.begin(), units.end(), [&](const auto& u) { return u.first == rest.substr(0, length); });
        if (unit == units.end()) throw fail();
        total += number * unit->second;
        rest.remove_prefix(length);
    }
    if (!(total < 9e18)) throw fail();
    return static_cast<std::int64_t>(total);
}

void applyConfigChanges(ImageDefaults& config, const Strings& lines) {
    for (const std::string& line : lines) {
        const std::string_view text = trimmed(line);
        if (text.empty() || text.starts_with('#')) continue;
        const std::size_t space = text.find_first_of(" \t");
        const std::string instruction = lower(text.substr(0, space));
        const auto found = setters().find(instruction);
        if (found == setters().end()) throw error(Code::invalid, "{} is not a valid change command", instruction);
        const std::string_view rest =
            space == std::string_view::npos ? std::string_view() : trimmed(text.substr(space));
        if (rest.empty() && instruction != "cmd" && instruction != "entrypoint")
            throw error(Code::invalid, "{} requires at least one argument", instruction);
        found->second(config, rest);
    }
}

}  // namespace davit::image
