#include "managed/plugin_config.hpp"

#include <algorithm>
#include <array>

#include "base/check.hpp"

namespace davit::managed {
namespace {

constexpr std::string_view kPrefix = "docker.";

constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kInterfaces = {{{"volumedriver", "VolumeDriver"},
                                                                                      {"networkdriver", "NetworkDriver"},
                                                                                      {"ipamdriver", "IpamDriver"},
                                                                                      {"graphdriver", "GraphDriver"},
                                                                                      {"logdriver", "LogDriver"},
                                                                                      {"authz", "authz"},
                                                                                      {"metricscollector", "MetricsCollector"},
                                                                                      {"secretprovider", "secretprovider"}}};

// "volumedriver" of "docker.volumedriver/1.0"; empty for another prefix.
std::string_view capabilityOf(std::string_view type) {
    if (!type.starts_with(kPrefix)) return {};
    type.remove_prefix(kPrefix.size());
    return type.substr(0, type.find('/'));
}

// "/data" of "/data//": paths below it are recognised by their beginning.
std::string withoutSlashes(const std::string& path) {
    const std::size_t last = path.find_last_not_of('/');
    return last == std::string::npos ? path.substr(0, 1) : path.substr(0, last + 1);
}

PluginMount readMount(const json::Value& value) {
    return {.name = value["name"].string(),
            .description = value["description"].string(),
            .source = value["source"].string(),
            .destination = value["destination"].string(),
            .type = value["type"].string(),
            .options = value["options"].strings(),
            .settable = value["settable"].strings()};
}

void check(const PluginConfig& config) {
    if (config.entrypoint.empty()) throw Error(Code::invalid, "invalid plugin config: no entrypoint");
    if (config.socket.empty() || config.socket.find('/') != std::string::npos || config.socket == "." || config.socket == "..")
        throw error(Code::invalid, "invalid plugin config: interface.socket \"{}\" is no file name", config.socket);
    const auto isPlace = [](const std::string& path) {
        return path.starts_with('/') && (path + "/").find("/../") == std::string::npos;
    };
    if (!config.propagated_mount.empty() && (!isPlace(config.propagated_mount) || config.propagated_mount == "/"))
        throw error(Code::invalid, "invalid plugin config: propagatedMount \"{}\" is no absolute path below the root", config.propagated_mount);
    for (const PluginMount& mount : config.mounts)
        if (!isPlace(mount.destination))
            throw error(Code::invalid, "invalid plugin config: mount destination \"{}\" is no absolute path", mount.destination);
}

void writeStringsOrNull(json::Writer& out, const char* name, const Strings& values) {
    out.key(name);
    if (values.empty())
        out.null();
    else
        out.value(values);
}

}  // namespace

Strings PluginConfig::interfaces() const {
    Strings names;
    for (const std::string& type : types)
        for (const auto& [capability, interface] : kInterfaces)
            if (capabilityOf(type) == capability) names.emplace_back(interface);
    return names;
}

bool PluginConfig::offers(std::string_view capability) const {
    return std::any_of(types.begin(), types.end(), [&](const std::string& type) { return capabilityOf(type) == capability; });
}

PluginConfig parseConfig(std::string_view text) {
    PluginConfig config;
    try {
        const json::Document document = json::Document::parse(text, 64);
        const json::Value root = document.root();
        config.description = root["description"].string();
        config.documentation = root["documentation"].string();
        config.types = root["interface"]["types"].strings();
        config.socket = root["interface"]["socket"].string();
        config.protocol_scheme = root["interface"]["protocolScheme"].string();
        config.entrypoint = root["entrypoint"].strings();
        config.work_dir = root["workdir"].string();
        config.uid = root["user"]["uid"].integer();
        config.gid = root["user"]["gid"].integer();
        config.network = root["network"]["type"].string();
        for (const json::Value mount : root["mounts"].array()) config.mounts.push_back(readMount(mount));
        config.propagated_mount = withoutSlashes(root["propagatedMount"].string());
        config.ipc_host = root["ipchost"].boolean();
        config.pid_host = root["pidhost"].boolean();
        for (const json::Value env : root["env"].array())
            config.env.push_back({.name = env["name"].string(),
                                  .description = env["description"].string(),
                                  .value = env["value"].string(),
                                  .settable = env["settable"].strings()});
        config.args = {.name = root["args"]["name"].string(),
                       .description = root["args"]["description"].string(),
                       .value = root["args"]["value"].strings(),
                       .settable = root["args"]["settable"].strings()};
        config.capabilities = root["linux"]["capabilities"].strings();
        config.allow_all_devices = root["linux"]["allowAllDevices"].boolean();
        for (const json::Value device : root["linux"]["devices"].array())
            config.devices.push_back({.name = device["name"].string(),
                                      .description = device["description"].string(),
                                      .path = device["path"].string(),
                                      .settable = device["settable"].strings()});
    } catch (const Error& failure) {
        throw Error(Code::invalid, "invalid plugin config: " + failure.text());
    }
    check(config);
    return config;
}

void writeMount(json::Writer& out, const PluginMount& mount) {
    out.object([&] {
        out.member("Description", mount.description).member("Destination", mount.destination).member("Name", mount.name);
        writeStringsOrNull(out, "Options", mount.options);
        writeStringsOrNull(out, "Settable", mount.settable);
        out.member("Source", mount.source).member("Type", mount.type);
    });
}

void writeDevice(json::Writer& out, const PluginDevice& device) {
    out.object([&] {
        out.member("Description", device.description).member("Name", device.name).member("Path", device.path);
        writeStringsOrNull(out, "Settable", device.settable);
    });
}

void writeConfig(json::Writer& out, const PluginConfig& config) {
    out.object([&] {
        out.object("Args", [&] {
            out.member("Description", config.args.description).member("Name", config.args.name);
            writeStringsOrNull(out, "Settable", config.args.settable);
            writeStringsOrNull(out, "Value", config.args.value);
        });
        out.member("Description", config.description).member("Documentation", config.documentation);
        out.member("Entrypoint", config.entrypoint);
        out.array("Env", [&] {
            for (const PluginEnv& env : config.env)
                out.object([&] {
                    out.member("Description", env.description).member("Name", env.name);
                    writeStringsOrNull(out, "Settable", env.settable);
                    out.member("Value", env.value);
                });
        });
        out.object("Interface", [&] {
            if (!config.protocol_scheme.empty()) out.member("ProtocolScheme", config.protocol_scheme);
            out.member("Socket", config.socket).member("Types", config.types);
        });
        out.member("IpcHost", config.ipc_host);
        out.object("Linux", [&] {
            out.member("AllowAllDevices", config.allow_all_devices);
            writeStringsOrNull(out, "Capabilities", config.capabilities);
            out.array("Devices", [&] {
                for (const PluginDevice& device : config.devices) writeDevice(out, device);
            });
        });
        out.array("Mounts", [&] {
            for (const PluginMount& mount : config.mounts) writeMount(out, mount);
        });
        out.object("Network", [&] { out.member("Type", config.network); });
        out.member("PidHost", config.pid_host).member("PropagatedMount", config.propagated_mount);
        out.object("User", [&] {
            if (config.gid != 0) out.member("GID", config.gid);
            if (config.uid != 0) out.member("UID", config.uid);
        });
        out.member("WorkDir", config.work_dir);
    });
}

}  // namespace davit::managed
