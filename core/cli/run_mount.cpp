// --mount: the comma-separated description of one mount.
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <functional>

#include "base/check.hpp"
#include "cli/run_values.hpp"
#include "cli/units.hpp"

namespace davit::cli {
namespace {

bool isTrue(const std::string& key, const std::string& value) {
    try {
        return parseBool(value);
    } catch (const Error&) {
        throw error(Code::invalid, "invalid value for {}: {}", key, value);
    }
}

void setRecursive(MountRequest& mount, const std::string& value) {
    if (value == "disabled")
        mount.non_recursive = true;
    else if (value == "writable")
        mount.read_only_non_recursive = true;
    else if (value == "readonly")
        mount.read_only_force_recursive = true;
    else if (value != "enabled")
        throw error(
            Code::invalid,
            "invalid value for bind-recursive: {} (must be \"enabled\", \"disabled\", \"writable\", or \"readonly\")",
            value);
}

void setTmpfsMode(MountRequest& mount, const std::string& value) {
    if (value.empty() || value.find_first_not_of("01234567") != std::string::npos || value.size() > 10)
        throw error(Code::invalid, "invalid value for tmpfs-mode: {}", value);
    mount.tmpfs_mode = std::stoull(value, nullptr, 8);
}

void addPair(std::map<std::string, std::string>& map, const std::string& pair) {
    const auto [name, value] = cut(pair, '=');
    map[name] = value.value_or("");
}

using Setter = std::function<void(MountRequest&, const std::string& key, const std::string& value)>;

const std::map<std::string, Setter>& setters() {
    using M = MountRequest;
    using S = const std::string&;
    static const std::map<std::string, Setter> kSetters = {
        {"type", [](M& m, S, S v) { m.type = v; }},
        {"source", [](M& m, S, S v) { m.source = v; }},
        {"target", [](M& m, S, S v) { m.target = v; }},
        {"readonly", [](M& m, S k, S v) { m.read_only = isTrue(k, v); }},
        {"consistency", [](M& m, S, S v) { m.consistency = v; }},
        {"bind-propagation", [](M& m, S, S v) { m.propagation = v; }},
        {"bind-nonrecursive", [](M& m, S k, S v) { m.non_recursive = isTrue(k, v); }},
        {"bind-recursive", [](M& m, S, S v) { setRecursive(m, v); }},
        {"volume-subpath", [](M& m, S, S v) { m.volume_subpath = v; }},
        {"volume-nocopy", [](M& m, S k, S v) { m.no_copy = isTrue(k, v); }},
        {"volume-label", [](M& m, S, S v) { addPair(m.volume_labels, v); }},
        {"volume-driver", [](M& m, S, S v) { m.volume_driver = v; }},
        {"volume-opt", [](M& m, S, S v) { addPair(m.volume_options, v); }},
        {"image-subpath", [](M& m, S, S v) { m.image_subpath = v; }},
        {"tmpfs-size", [](M& m, S, S v) { m.tmpfs_size = parseBytes(v); }},
        {"tmpfs-mode", [](M& m, S, S v) { setTmpfsMode(m, v); }},
    };
    return kSetters;
}

std::string canonicalKey(std::string key) {
    std::transform(key.begin(), key.end(), key.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (key == "src") return "source";
    if (key == "dst" || key == "destination") return "target";
    if (key == "ro") return "readonly";
    return key;
}

bool isSwitch(const std::string& key) {
    return key == "readonly" || key == "volume-nocopy" || key == "bind-nonrecursive";
}

void markOptions(MountRequest& mount, const std::string& key) {
    if (key.starts_with("bind-")) mount.has_bind_options = true;
    if (key.starts_with("volume-")) mount.has_volume_options = true;
    if (key.starts_with("image-")) mount.has_image_options = true;
    if (key.starts_with("tmpfs-")) mount.has_tmpfs_options = true;
}

void checkMount(const MountRequest& mount) {
    if (mount.type.empty()) throw error(Code::invalid, "type is required");
    if (mount.target.empty()) throw error(Code::invalid, "target is required");
    for (const auto& [name, present] : {std::pair{"volume", mount.has_volume_options},
                                        {"bind", mount.has_bind_options},
                                        {"image", mount.has_image_options},
                                        {"tmpfs", mount.has_tmpfs_options}})
        if (present && mount.type != name)
            throw error(Code::invalid, "cannot mix '{}-*' options with mount type '{}'", name, mount.type);
    if (mount.read_only_non_recursive && !mount.read_only)
        throw error(Code::invalid,
                    "option 'bind-recursive=writable' requires 'readonly' to be specified in conjunction");
    if (mount.read_only_force_recursive && !mount.read_only)
        throw error(Code::invalid,
                    "option 'bind-recursive=readonly' requires 'readonly' to be specified in conjunction");
    if (mount.read_only_force_recursive && mount.propagation != "rprivate")
        throw error(
            Code::invalid,
            "option 'bind-recursive=readonly' requires 'bind-propagation=rprivate' to be specified in conjunction");
}

}  // namespace

MountRequest parseMount(const std::string& text) {
    MountRequest mount;
    for (const std::string& field : parseCsvLine(text)) {
        const auto [given, value] = cut(field, '=');
        const std::string key = canonicalKey(given);
        if (!value && !isSwitch(key)) throw error(Code::invalid, "invalid field '{}' must be a key=value pair", field);
        const auto setter = setters().find(key);
        if (setter == setters().end()) throw error(Code::invalid, "unexpected key '{}' in '{}'", key, field);
        setter->second(mount, key, value.value_or("true"));
        markOptions(mount, key);
    }
    checkMount(mount);
    if (mount.type == "bind" && mount.source.starts_with('.'))
        mount.source = std::filesystem::absolute(mount.source).lexically_normal();
    return mount;
}

}  // namespace davit::cli
