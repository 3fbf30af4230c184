#include "oci/image_config.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "oci/digest.hpp"

namespace davit::oci {
namespace {

std::optional<std::vector<std::string>> optionalStrings(const json::Value& value) {
    if (value.isNull()) return std::nullopt;
    // A plain string stands where old builders wrote it.
    if (value.isString()) return std::vector<std::string>{value.string()};
    return value.strings();
}

std::set<std::string> keys(const json::Value& value) {
    std::set<std::string> names;
    for (const auto& [name, ignored] : value.object()) names.emplace(name);
    return names;
}

std::optional<SystemTime> time(const json::Value& value) { return parseRfc3339(value.stringView()); }

Healthcheck parseHealthcheck(const json::Value& value) {
    return {.test = value["Test"].strings(),
            .interval_ns = value["Interval"].integer(),
            .timeout_ns = value["Timeout"].integer(),
            .start_period_ns = value["StartPeriod"].integer(),
            .start_interval_ns = value["StartInterval"].integer(),
            .retries = value["Retries"].integer()};
}

std::vector<HistoryEntry> parseHistory(const json::Value& value) {
    std::vector<HistoryEntry> history;
    for (const json::Value entry : value.array()) {
        history.push_back({.created = time(entry["created"]),
                           .created_by = entry["created_by"].string(),
                           .author = entry["author"].string(),
                           .comment = entry["comment"].string(),
                           .empty_layer = entry["empty_layer"].boolean()});
    }
    return history;
}

std::vector<std::string> parseDiffIds(const json::Value& root) {
    const json::Value rootfs = root["rootfs"];
    if (!rootfs.isObject()) throw Error(Code::invalid, "invalid image JSON, no RootFS key");
    if (const std::string type = rootfs["type"].string(); type != "layers")
        throw error(Code::invalid, "invalid image JSON: rootfs type \"{}\" is not \"layers\"", type);
    std::vector<std::string> diff_ids;
    for (const json::Value id : rootfs["diff_ids"].array()) diff_ids.push_back(parseDigest(id.stringView()));
    if (diff_ids.size() > kMaxLayers) throw Error(Code::invalid, "max depth exceeded");
    return diff_ids;
}

}  // namespace

ImageDefaults parseImageDefaults(const json::Value& config) {
    ImageDefaults defaults{.user = config["User"].string(),
                           .exposed_ports = keys(config["ExposedPorts"]),
                           .env = config["Env"].strings(),
                           .entrypoint = optionalStrings(config["Entrypoint"]),
                           .cmd = optionalStrings(config["Cmd"]),
                           .args_escaped = config["ArgsEscaped"].boolean(),
                           .volumes = keys(config["Volumes"]),
                           .working_dir = config["WorkingDir"].string(),
                           .labels = config["Labels"].stringMap(),
                           .stop_signal = config["StopSignal"].string(),
                           .healthcheck = std::nullopt,
                           .shell = config["Shell"].strings(),
                           .on_build = config["OnBuild"].strings()};
    if (const json::Value health = config["Healthcheck"]; !health.isNull())
        defaults.healthcheck = parseHealthcheck(health);
    return defaults;
}

ImageConfig parseImageConfig(std::string_view text) {
    if (text.size() > kMaxConfigBytes)
        throw error(Code::invalid, "invalid image JSON: longer than {} bytes", kMaxConfigBytes);
    const json::Document document = json::Document::parse(text);
    const json::Value root = document.root();
    if (!root.isObject()) throw Error(Code::invalid, "invalid image JSON: not an object");
    // A manifest or an index is no config, whatever else is in it (SEC-29).
    if (root["manifests"] || root["layers"]) throw Error(Code::invalid, "invalid image JSON: it is a manifest");
    ImageConfig config{.architecture = root["architecture"].string(),
                       .variant = root["variant"].string(),
                       .os = root["os"].string(),
                       .os_version = root["os.version"].string(),
                       .created = time(root["created"]),
                       .author = root["author"].string(),
                       .comment = root["comment"].string(),
                       .docker_version = root["docker_version"].string(),
                       .parent = root["parent"].string(),
                       .config = parseImageDefaults(root["config"]),
                       .diff_ids = parseDiffIds(root),
                       .history = parseHistory(root["history"])};
    const auto layers = std::count_if(config.history.begin(), config.history.end(),
                                      [](const HistoryEntry& entry) { return !entry.empty_layer; });
    if (static_cast<std::size_t>(layers) > config.diff_ids.size())
        throw Error(Code::invalid, "too many non-empty layers in History section");
    return config;
}

}  // namespace davit::oci
