#include "runtime/mount_point.hpp"

#include <algorithm>
#include <array>

#include "base/check.hpp"

namespace davit::runtime {
namespace {

Strings split(std::string_view text, char separator) {
    Strings parts;
    for (;;) {
        const auto end = text.find(separator);
        parts.emplace_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

constexpr std::array<std::string_view, 6> kPropagations = {"private", "rprivate", "shared", "rshared", "slave", "rslave"};
constexpr std::array<std::string_view, 3> kConsistencies = {"consistent", "cached", "delegated"};

template <typename List>
bool isIn(std::string_view word, const List& list) {
    return std::find(std::begin(list), std::end(list), word) != std::end(list);
}

// What the words of `:ro,rslave,z` mean. Each group may be used once; std::nullopt for anything else.
struct ModeWords {
    bool read_only = false;
    bool no_copy = false;
    std::string propagation;
};

std::optional<ModeWords> parseMode(std::string_view mode) {
    ModeWords words;
    if (mode.empty()) return words;
    int access = 0;
    int label = 0;
    int propagation = 0;
    int copy = 0;
    int consistency = 0;
    for (const std::string& word : split(mode, ',')) {
        if (word == "ro" || word == "rw") {
            ++access;
            words.read_only = word == "ro";
        } else if (word == "z" || word == "Z") {
            ++label;
        } else if (isIn(word, kPropagations)) {
            ++propagation;
            words.propagation = word;
        } else if (word == "nocopy") {
            ++copy;
            words.no_copy = true;
        } else if (isIn(word, kConsistencies)) {
            ++consistency;
        } else {
            return std::nullopt;
        }
    }
    if (access > 1 || label > 1 || propagation > 1 || copy > 1 || consistency > 1) return std::nullopt;
    return words;
}

// Go's filepath.IsLocal.
bool isLocalPath(const std::string& path) {
    if (path.empty() || path.starts_with('/')) return false;
    int depth = 0;
    for (const std::string& part : split(path, '/')) {
        if (part == "..") --depth;
        else if (!part.empty() && part != ".") ++depth;
        if (depth < 0) return false;
    }
    return true;
}

// The target's rule for every kind of mount; throws the inner part of Docker's text.
std::string cleanTarget(const std::string& target) {
    if (target.empty()) throw error(Code::invalid, "field Target must not be empty");
    if (!target.starts_with('/'))
        throw error(Code::invalid, "invalid mount path: '{}' mount path must be absolute", target);
    std::string clean = cleanPath(target);
    if (clean == "/") throw error(Code::invalid, "invalid specification: destination can't be '/'");
    return clean;
}

MountPoint bindOf(const Strings& parts, const ModeWords& words, const std::string& volume_driver) {
    const std::string& source = parts[0];
    MountPoint point;
    point.mode = parts.size() == 3 ? parts[2] : "";
    point.rw = !words.read_only;
    if (source.starts_with('/')) {
        if (words.no_copy) throw error(Code::invalid, "invalid mode: {}", point.mode);
        point.type = MountType::bind;
        point.source = cleanPath(source);
        point.propagation = words.propagation.empty() ? "rprivate" : words.propagation;
        point.create_source = true;
    } else {
        if (!words.propagation.empty()) throw error(Code::invalid, "field BindOptions must not be specified");
        point.type = MountType::volume;
        point.name = source;
        point.driver = volume_driver;
        point.copy_data = !words.no_copy;
    }
    point.destination = cleanTarget(parts[1]);
    return point;
}

MountPoint anonymousVolume(const std::string& target, const std::string& volume_driver) {
    MountPoint point;
    point.type = MountType::volume;
    point.destination = cleanTarget(target);
    point.driver = volume_driver;
    point.anonymous = true;
    return point;
}

void refuse(bool present, std::string_view field) {
    if (present) throw error(Code::invalid, "field {} must not be specified", field);
}

void fillBind(MountPoint& point, const Mount& mount) {
    refuse(mount.volume_options.has_value(), "VolumeOptions");
    refuse(mount.tmpfs_options.has_value(), "TmpfsOptions");
    if (mount.source.empty()) throw error(Code::invalid, "field Source must not be empty");
    if (!mount.source.starts_with('/'))
        throw error(Code::invalid, "invalid mount path: '{}' mount path must be absolute", mount.source);
    const BindOptions options = mount.bind_options.value_or(BindOptions{});
    if (!options.propagation.empty() && !isIn(options.propagation, kPropagations))
        throw error(Code::invalid, "invalid propagation mode: {}", options.propagation);
    point.type = MountType::bind;
    point.source = cleanPath(mount.source);
    point.propagation = options.propagation.empty() ? "rprivate" : options.propagation;
    point.recursive = !options.non_recursive;
    point.read_only_recursive = !options.read_only_non_recursive;
    point.force_recursive_ro = options.read_only_force_recursive;
    point.create_source = options.create_mountpoint;
}

void checkSubpath(const std::string& subpath, const char* what) {
    if (!subpath.empty() && !isLocalPath(subpath)) throw error(Code::invalid, "subpath must be a relative path within the {}", what);
}

void fillVolume(MountPoint& point, const Mount& mount) {
    refuse(mount.bind_options.has_value(), "BindOptions");
    refuse(mount.tmpfs_options.has_value(), "TmpfsOptions");
    refuse(mount.image_options.has_value(), "ImageOptions");
    point.type = MountType::volume;
    point.name = mount.source;
    point.anonymous = mount.source.empty();
    const VolumeOptions options = mount.volume_options.value_or(VolumeOptions{});
    if (point.anonymous && !options.subpath.empty()) throw error(Code::invalid, "must not set Subpath when using anonymous volumes");
    checkSubpath(options.subpath, "volume");
    if (point.anonymous && mount.read_only) throw error(Code::invalid, "must not set ReadOnly mode when using anonymous volumes");
    point.copy_data = !options.no_copy;
    point.subpath = options.subpath;
    point.labels = options.labels;
    if (!options.driver_config) return;
    point.driver = options.driver_config->name;
    point.driver_options = options.driver_config->options;
}

void fillImage(MountPoint& point, const Mount& mount) {
    refuse(mount.bind_options.has_value(), "BindOptions");
    refuse(mount.tmpfs_options.has_value(), "TmpfsOptions");
    refuse(mount.volume_options.has_value(), "VolumeOptions");
    if (mount.source.empty()) throw error(Code::invalid, "field Source must not be empty");
    point.type = MountType::image;
    point.name = mount.source;
    if (mount.image_options) point.subpath = mount.image_options->subpath;
    checkSubpath(point.subpath, "image");
}

std::string tmpfsWords(const Mount& mount) {
    std::string words;
    const auto add = [&](std::string_view word) { words += (words.empty() ? "" : ",") + std::string(word); };
    if (mount.read_only) add("ro");
    if (!mount.tmpfs_options) return words;
    if (mount.tmpfs_options->size_bytes < 0) throw error(Code::invalid, "tmpfs size must not be negative");
    if (mount.tmpfs_options->size_bytes > 0) add(fmt::format("size={}", mount.tmpfs_options->size_bytes));
    if (mount.tmpfs_options->mode != 0) add(fmt::format("mode={:o}", mount.tmpfs_options->mode));
    for (const Strings& option : mount.tmpfs_options->options) {
        if (option.empty() || option.size() > 2) throw error(Code::invalid, "invalid option array length");
        add(option.size() == 1 ? option[0] : option[0] + "=" + option[1]);
    }
    return words;
}

void fillTmpfs(MountPoint& point, const Mount& mount) {
    refuse(mount.bind_options.has_value(), "BindOptions");
    refuse(mount.volume_options.has_value(), "VolumeOptions");
    refuse(!mount.source.empty(), "Source");
    point.type = MountType::tmpfs;
    point.tmpfs_options = tmpfsWords(mount);
}

void add(std::vector<MountPoint>& points, MountPoint point) {
    const auto same = [&](const MountPoint& other) { return other.destination == point.destination; };
    if (std::any_of(points.begin(), points.end(), same))
        throw error(Code::invalid, "Duplicate mount point: {}", point.destination);
    points.push_back(std::move(point));
}

void addConfigVolumes(std::vector<MountPoint>& points, const ContainerConfig& config, const HostConfig& host) {
    for (const std::string& path : config.volumes) {
        const std::string target = cleanPath(path);
        const auto same = [&](const MountPoint& other) { return other.destination == target; };
        if (std::any_of(points.begin(), points.end(), same)) continue;
        MountPoint point = anonymousVolume(path, host.volume_driver);
        point.from_config = true;
        points.push_back(std::move(point));
    }
}

}  // namespace

std::string cleanPath(std::string_view path) {
    Strings kept;
    for (std::string& part : split(path, '/')) {
        if (part.empty() || part == ".") continue;
        if (part != "..")
            kept.push_back(std::move(part));
        else if (!kept.empty())
            kept.pop_back();
    }
    std::string clean;
    for (const std::string& part : kept) clean += "/" + part;
    return clean.empty() ? "/" : clean;
}

MountPoint parseBind(std::string_view text, const std::string& volume_driver) {
    const Strings parts = split(text, ':');
    const bool empty_part = std::any_of(parts.begin(), parts.end(), [](const std::string& part) { return part.empty(); });
    if (parts.size() > 3 || empty_part) throw error(Code::invalid, "invalid volume specification: '{}'", text);
    if (parts.size() == 2 && !parts[1].starts_with('/') && parseMode(parts[1]))
        throw error(Code::invalid, "invalid volume specification: '{}'", text);  // a volume without source has no mode
    const auto words = parseMode(parts.size() == 3 ? parts[2] : "");
    if (!words) throw error(Code::invalid, "invalid mode: {}", parts[2]);
    const bool is_bind = parts.size() > 1 && parts[0].starts_with('/');
    try {
        return parts.size() == 1 ? anonymousVolume(parts[0], volume_driver) : bindOf(parts, *words, volume_driver);
    } catch (const Error& failure) {
        if (failure.text().starts_with("create ")) throw;  // a volume's name: Docker says that without the frame
        throw error(Code::invalid, "invalid volume specification: '{}': invalid mount config for type \"{}\": {}", text,
                    is_bind ? "bind" : "volume", failure.text());
    }
}

MountPoint parseMount(const Mount& mount) {
    try {
        MountPoint point;
        point.destination = cleanTarget(mount.target);
        point.rw = !mount.read_only;
        if (mount.type == "bind")
            fillBind(point, mount);
        else if (mount.type == "volume")
            fillVolume(point, mount);
        else if (mount.type == "tmpfs")
            fillTmpfs(point, mount);
        else if (mount.type == "image")
            fillImage(point, mount);
        else
            throw error(Code::invalid, "mount type unknown");
        return point;
    } catch (const Error& failure) {
        if (failure.text().starts_with("create ")) throw;
        throw error(Code::invalid, "invalid mount config for type \"{}\": {}", mount.type, failure.text());
    }
}

VolumesFrom parseVolumesFrom(const std::string& text) {
    const std::size_t colon = text.find(':');
    VolumesFrom from{.container = text.substr(0, colon)};
    if (from.container.empty()) throw error(Code::invalid, "malformed volumes-from specification: {}", text);
    if (colon == std::string::npos) return from;
    const std::string mode = text.substr(colon + 1);
    const auto words = parseMode(mode);
    if (mode.empty() || !words || words->no_copy || !words->propagation.empty()) throw error(Code::invalid, "invalid mode: {}", mode);
    from.read_only = words->read_only;
    return from;
}

std::vector<MountPoint> collectMounts(const ContainerConfig& config, const HostConfig& host, std::vector<MountPoint> inherited) {
    std::vector<MountPoint> points;
    for (const std::string& bind : host.binds) add(points, parseBind(bind, host.volume_driver));
    for (const Mount& mount : host.mounts) add(points, parseMount(mount));
    std::vector<MountPoint> tmpfs;
    for (const auto& [target, options] : host.tmpfs) {
        MountPoint point;
        point.type = MountType::tmpfs;
        point.destination = cleanTarget(target);
        point.tmpfs_options = options;
        point.rw = !isIn("ro", split(options, ','));
        add(tmpfs, std::move(point));
    }
    std::vector<MountPoint> all = points;
    for (const MountPoint& point : tmpfs) add(all, point);
    std::erase_if(inherited, [&](const MountPoint& one) {
        return std::any_of(all.begin(), all.end(), [&](const MountPoint& own) { return own.destination == one.destination; });
    });
    points.insert(points.begin(), inherited.begin(), inherited.end());
    all.insert(all.begin(), inherited.begin(), inherited.end());
    // A volume of the image gives way to any mount of the user; the order of the list stays Docker's.
    std::vector<MountPoint> with_volumes = all;
    addConfigVolumes(with_volumes, config, host);
    points.insert(points.end(), with_volumes.begin() + static_cast<std::ptrdiff_t>(all.size()), with_volumes.end());
    points.insert(points.end(), tmpfs.begin(), tmpfs.end());
    return points;
}

}  // namespace davit::runtime
