#include "managed/plugin_settings.hpp"

#include <algorithm>
#include <sstream>

#include "base/check.hpp"

namespace davit::managed {
namespace {

struct Assignment {
    std::string name;
    std::string field;  ///< behind the last dot; empty: the thing's default
    std::string value;
};

Assignment split(const std::string& text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) throw error(Code::invalid, "invalid format \"{}\", must be KEY=VALUE", text);
    Assignment result{.name = text.substr(0, equals), .field = {}, .value = text.substr(equals + 1)};
    if (const std::size_t dot = result.name.rfind('.'); dot != std::string::npos && dot + 1 < result.name.size()) {
        result.field = result.name.substr(dot + 1);
        result.name.resize(dot);
    }
    return result;
}

bool mayBeSet(const Strings& settable, const std::string& field) {
    return std::find(settable.begin(), settable.end(), field) != settable.end();
}

// The thing of that name, if its field may be set; the assignment's text is for the refusal.
template <typename Things>
auto* settable(Things& things, const Assignment& assignment, const std::string& field, const std::string& text) {
    const auto found = std::find_if(things.begin(), things.end(), [&](const auto& one) { return one.name == assignment.name; });
    if (found == things.end()) return static_cast<decltype(&*found)>(nullptr);
    if ((!assignment.field.empty() && assignment.field != field) || !mayBeSet(found->settable, field))
        throw error(Code::invalid, "\"{}\" is not settable", text.substr(0, text.find('=')));
    return &*found;
}

Strings words(const std::string& text) {
    std::istringstream in(text);
    Strings found;
    for (std::string word; in >> word;) found.push_back(word);
    return found;
}

void setEnv(Strings& env, const std::string& name, const std::string& value) {
    const std::string beginning = name + "=";
    for (std::string& one : env)
        if (one.starts_with(beginning)) one = beginning + value;
}

void applyOne(PluginSettings& settings, PluginConfig config, const std::string& text) {
    const Assignment assignment = split(text);
    if (settable(config.env, assignment, "value", text) != nullptr) return setEnv(settings.env, assignment.name, assignment.value);
    if (settable(config.mounts, assignment, "source", text) != nullptr) {
        for (PluginMount& mount : settings.mounts)
            if (mount.name == assignment.name) mount.source = assignment.value;
        return;
    }
    if (settable(config.devices, assignment, "path", text) != nullptr) {
        for (PluginDevice& device : settings.devices)
            if (device.name == assignment.name) device.path = assignment.value;
        return;
    }
    std::vector<PluginArgs> args = {config.args};
    if (!config.args.name.empty() && settable(args, assignment, "value", text) != nullptr) {
        settings.args = words(assignment.value);
        return;
    }
    throw error(Code::invalid, "setting \"{}\" not found in the plugin configuration", text.substr(0, text.find('=')));
}

}  // namespace

PluginSettings PluginSettings::of(const PluginConfig& config) {
    PluginSettings settings{.mounts = config.mounts, .env = {}, .args = config.args.value, .devices = config.devices};
    for (const PluginEnv& env : config.env) settings.env.push_back(env.name + "=" + env.value);
    return settings;
}

void PluginSettings::apply(const PluginConfig& config, const Strings& assignments) {
    PluginSettings changed = *this;
    for (const std::string& text : assignments) applyOne(changed, config, text);
    *this = std::move(changed);
}

void writeSettings(json::Writer& out, const PluginSettings& settings) {
    out.object([&] {
        out.member("Args", settings.args);
        out.array("Devices", [&] {
            for (const PluginDevice& device : settings.devices) writeDevice(out, device);
        });
        out.member("Env", settings.env);
        out.array("Mounts", [&] {
            for (const PluginMount& mount : settings.mounts) writeMount(out, mount);
        });
    });
}

PluginSettings readSettings(const json::Value& value, const PluginConfig& config) {
    PluginSettings settings = PluginSettings::of(config);
    if (!value) return settings;
    settings.args = value["Args"].strings();
    settings.env = value["Env"].strings();
    for (const json::Value mount : value["Mounts"].array())
        for (PluginMount& own : settings.mounts)
            if (own.name == mount["Name"].string()) own.source = mount["Source"].string();
    for (const json::Value device : value["Devices"].array())
        for (PluginDevice& own : settings.devices)
            if (own.name == device["Name"].string()) own.path = device["Path"].string();
    return settings;
}

}  // namespace davit::managed
