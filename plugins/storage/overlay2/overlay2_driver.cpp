// The life of layers; what is read from and written to them stands in overlay2_diff.cpp.
#include "overlay2_driver.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <fmt/ranges.h>

#include <algorithm>

#include "archive/copy_tree.hpp"
#include "archive/id_map.hpp"
#include "archive/plain_tree_driver.hpp"
#include "base/check.hpp"
#include "base/defer.hpp"
#include "base/file.hpp"
#include "base/remove_tree.hpp"
#include "base/id.hpp"
#include "base/tree_walker.hpp"
#include "davit/sdk.hpp"

namespace davit {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMaxLowers = 500;  // the kernel's OVL_MAX_STACK
constexpr std::int64_t kPrepared = 2;
constexpr std::int64_t kMaxPrepared = 64;

std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> parts;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find(separator, at), text.size());
        if (end > at) parts.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return parts;
}

// What a draft needs besides its content. Nobody sees it before it is published.
void completeDraft(const fs::path& draft, const std::string& parent, const std::vector<std::string>& lowers, bool is_volatile) {
    if (::mkdir((draft / "work").c_str(), 0700) < 0 && errno != EEXIST) throw Error::system("create layer " + draft.string(), errno);
    std::string facts;
    if (!parent.empty()) facts = fmt::format("parent {}\nlower {}\n", parent, fmt::join(lowers, ":"));
    if (is_volatile) facts += "volatile\n";
    writeAll(openFile(draft / "layer", O_WRONLY | O_CREAT, 0600).get(), facts);
}

// A mounted overlay has a device of its own.
bool isMounted(const fs::path& layer_dir) {
    struct stat layer {};
    struct stat merged {};
    return ::lstat(layer_dir.c_str(), &layer) == 0 && ::lstat((layer_dir / "merged").c_str(), &merged) == 0 &&
           layer.st_dev != merged.st_dev;
}

}  // namespace

Overlay2Driver::Overlay2Driver(const DriverContext& context) {
    DriverConfig config(context);
    const std::int64_t prepared = config.integer("prepared", kPrepared);
    if (prepared < 0 || prepared > kMaxPrepared) throw error(Code::invalid, "invalid number of prepared layers: {}", prepared);
    prepared_ = static_cast<std::size_t>(prepared);
    config.finish();
}

archive::LayerHome& Overlay2Driver::home() {
    if (!home_) throw Error(Code::system, "overlay2: not initialised");
    return *home_;
}

void Overlay2Driver::init(const StorageInit& request) {
    if (request.home.find_first_of(",:\\") != std::string::npos)
        throw error(Code::invalid, "overlay2: home {}: a comma, colon or backslash can't stand in mount options",
                    request.home);
    uid_maps_ = request.uid_maps;
    gid_maps_ = request.gid_maps;
    for (const std::string& option : request.options) takeOption(option);
    home_path_ = request.home;
    makeDirectories(home_path_, 0711);
    probe_ = overlay2::probe(home_path_);
    if (!probe_.unsuitable_why.empty()) throw Error(Code::unimplemented, probe_.unsuitable_why);
    makeDirectories(home_path_ / "l", 0711);
    home_.emplace(home_path_, [this](const fs::path& layer_dir, const std::stop_token& stop) { dispose(layer_dir, stop); });
    if (prepared_ > 0)
        stock_.emplace(home_path_ / "ready", prepared_, [this](const fs::path& left) { (void)archive::LayerHome::Draft(*home_, left); });
    recover();
    std::vector<fs::path> dirs;
    for (const std::string& id : home_->list()) dirs.push_back(home_->of(id));
    if (archive::ProjectQuota::enforcedAt(home_path_)) quota_.emplace(home_path_, dirs);
    if (default_size_ > 0) requireLimits();
}

void Overlay2Driver::takeOption(const std::string& option) {
    const auto [key, value] = archive::splitOption(option, kName);
    if (key == "size")
        default_size_ = archive::parseSize(value);
    else if (key == "mountopt")
        extra_flags_ = split(value, ',');
    else if (key == "override_kernel_check" || key == "skip_mount_home")
        (void)archive::parseFlag(key, value);  // of no meaning here, but in many a daemon.json
    else
        throw error(Code::invalid, "unknown option {} for overlay2", key);
}

Overlay2Driver::LayerOptions Overlay2Driver::optionsOf(const Options& storage_opt) const {
    LayerOptions options{.size = default_size_};
    for (const auto& [key, value] : storage_opt) {
        if (key == "size")
            options.size = archive::parseSize(value);
        else if (key == "volatile")
            options.is_volatile = archive::parseFlag(key, value);
        else
            throw error(Code::invalid, "unknown option {} for overlay2", key);
    }
    return options;
}

void Overlay2Driver::requireLimits() {
    if (!quota_)
        throw error(Code::invalid,
                    "overlay2: size= needs xfs or ext4 mounted with prjquota; the {} at {} enforces no project quota",
                    archive::fileSystemName(home_path_), home_path_.string());
}

// What an earlier process left: mounts that nobody counts any more, short names without a layer and the reverse.
void Overlay2Driver::recover() {
    std::vector<std::string> links;
    for (const std::string& id : home_->list()) {
        const fs::path dir = home_->of(id);
        if (isMounted(dir)) overlay2::unmount(dir / "merged");
        const std::string name = readFile(dir / "link").value_or("");
        if (name.empty()) continue;
        links.push_back(name);
        const fs::path path = home_path_ / "l" / name;
        if (::faccessat(AT_FDCWD, path.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) < 0) link(dir, id, name);
    }
    std::sort(links.begin(), links.end());
    const UniqueFd names = openFile(home_path_ / "l", O_RDONLY | O_DIRECTORY);
    for (const std::string& name : directoryNames(names.get()))
        if (!std::binary_search(links.begin(), links.end(), name)) (void)::unlinkat(names.get(), name.c_str(), 0);
}

void Overlay2Driver::dispose(const fs::path& layer_dir, const std::stop_token& stop) const {
    while (isMounted(layer_dir)) overlay2::unmount(layer_dir / "merged");
    const std::string name = readFile(layer_dir / "link").value_or("");
    // Last of all: as long as the name exists no other layer gets it.
    const Defer unlink([&] {
        if (!name.empty()) (void)::unlink((home_path_ / "l" / name).c_str());
    });
    (void)removeTree(layer_dir, stop);
}

Overlay2Driver::Layer Overlay2Driver::layer(const std::string& id) {
    Layer found;
    found.dir = home().require(id);
    const std::optional<std::string> facts = readFile(found.dir / "layer");
    if (!facts) throw error(Code::system, "layer {} is damaged: its facts are missing", id);
    for (const std::string& line : split(*facts, '\n')) {
        const std::size_t space = std::min(line.find(' '), line.size());
        const std::string value = line.substr(std::min(space + 1, line.size()));
        if (line.starts_with("parent ")) found.parent = value;
        if (line.starts_with("lower ")) found.lowers = split(value, ':');
        if (line == "volatile") found.is_volatile = true;
    }
    found.link = readFile(found.dir / "link").value_or("");
    return found;
}

Overlay2Driver::Layer Overlay2Driver::commit(const std::string& id) {
    archive::LayerUses::Hold hold(uses_, id);
    Layer found = layer(id);
    if (!found.link.empty()) return found;
    found.link = randomId().substr(0, 12);
    link(found.dir, id, found.link);
    writeFileAtomically(found.dir / "link", found.link);
    return found;
}

// The root of what a container sees is the root of the uppermost layer: it takes after the parent's.
void Overlay2Driver::makeDiff(const fs::path& diff, const fs::path& parent_diff) const {
    if (::mkdir(diff.c_str(), 0755) < 0 && errno != EEXIST) throw Error::system("create directory " + diff.string(), errno);
    const UniqueFd fd = openFile(diff, O_RDONLY | O_DIRECTORY);
    if (!parent_diff.empty())
        return archive::copyMetadata(openFile(parent_diff, O_RDONLY | O_DIRECTORY).get(), fd.get());
    check(::fchmod(fd.get(), 0755), "change the mode of {}", diff.string());
    const auto uid = archive::toHostId(uid_maps_, 0);
    const auto gid = archive::toHostId(gid_maps_, 0);
    check(::fchown(fd.get(), uid, gid), "change the owner of {}", diff.string());
}

// 48 random bits: a name that is taken is an error, not a case.
void Overlay2Driver::link(const fs::path& layer_dir, const std::string& id, const std::string& name) const {
    const std::string target = "../layers/" + id + "/diff";
    check(::symlink(target.c_str(), (home_path_ / "l" / name).c_str()), "create a short name for {}", layer_dir.string());
}

void Overlay2Driver::make(const CreateLayer& request) {
    const LayerOptions options = optionsOf(request.storage_opt);
    if (options.size > 0) requireLimits();
    std::optional<Layer> parent;
    if (!request.parent.empty()) parent = commit(request.parent);
    if (parent && parent->lowers.size() + 1 > kMaxLowers)
        throw error(Code::invalid, "create layer {}: more than {} layers below it", request.id, kMaxLowers);
    // A quota is inherited: with one the directories are made below it.
    if (auto loan = stock_ && options.size == 0 && !home().has(request.id) ? stock_->take() : std::nullopt) {
        archive::LayerHome::Draft draft(home(), loan->path());
        fill(draft.path(), request, options, parent);
        return draft.publish(request.id);
    }
    const auto draft = home().draft(request.id);
    if (options.size > 0) quota_->limit(draft->path(), {.bytes = options.size});
    fill(draft->path(), request, options, parent);
    draft->publish(request.id);
}

void Overlay2Driver::fill(const fs::path& draft, const CreateLayer& request, const LayerOptions& options,
                          const std::optional<Layer>& parent) const {
    makeDiff(draft / "diff", parent ? parent->dir / "diff" : fs::path());
    std::vector<std::string> lowers;
    if (parent) {
        lowers = parent->lowers;
        lowers.insert(lowers.begin(), "l/" + parent->link);
    }
    completeDraft(draft, request.parent, lowers, options.is_volatile);
}

void Overlay2Driver::clone(const std::string& id, const std::string& source) {
    const Layer from = layer(source);
    const auto draft = home().draft(id);
    check(::mkdir((draft->path() / "diff").c_str(), 0755), "create layer {}", id);
    archive::copyTree(openFile(from.dir / "diff", O_RDONLY | O_DIRECTORY).get(),
                      openFile(draft->path() / "diff", O_RDONLY | O_DIRECTORY).get(), archive::CopyXattrs::all);
    completeDraft(draft->path(), from.parent, from.lowers, false);
    draft->publish(id);
}

void Overlay2Driver::remove(const std::string& id) {
    archive::LayerUses::Hold hold(uses_, id);
    if (hold.count() > 0) throw error(Code::conflict, "remove layer {}: it is in use", id);
    home().remove(id);
}

overlay2::Overlay Overlay2Driver::overlayOf(const Layer& layer, const std::string& id, const std::string& label) const {
    overlay2::Overlay overlay{
        .home = home_path_, .lowers = layer.lowers, .upper = {}, .work = {}, .flags = probe_.flags};
    overlay.flags.insert(overlay.flags.end(), extra_flags_.begin(), extra_flags_.end());
    if (!label.empty()) overlay.flags.push_back("context=\"" + label + "\"");
    if (layer.committed()) {
        overlay.lowers.insert(overlay.lowers.begin(), "l/" + layer.link);
        return overlay;
    }
    overlay.upper = "layers/" + id + "/diff";
    overlay.work = "layers/" + id + "/work";
    if (layer.is_volatile) {
        // Left by a crash it would forbid the mount. What may have been lost then is what "volatile" allows to be lost.
        removeTree(layer.dir / "work/work/incompat");
        if (probe_.volatile_mounts) overlay.flags.emplace_back("volatile");
    }
    return overlay;
}

void Overlay2Driver::mountMerged(const Layer& layer, const std::string& id, const std::string& label) const {
    makeDirectories(layer.dir / "merged", 0700);
    overlay2::mountOverlay(overlayOf(layer, id, label), "layers/" + id + "/merged");
}

std::string Overlay2Driver::get(const std::string& id, const std::string& mount_label) {
    archive::LayerUses::Hold hold(uses_, id);
    const Layer found = layer(id);
    if (hold.count() == 0 && !found.lowers.empty()) mountMerged(found, id, mount_label);
    ++hold.count();
    return (found.dir / (found.lowers.empty() ? "diff" : "merged")).string();
}

void Overlay2Driver::put(const std::string& id) {
    archive::LayerUses::Hold hold(uses_, id);
    if (hold.count() == 0) throw error(Code::not_found, "put layer {}: it isn't in use", id);
    if (--hold.count() == 0) overlay2::unmount(home().of(id) / "merged");
}

void Overlay2Driver::cleanup() {
    for (const std::string& id : uses_.inUse()) {
        archive::LayerUses::Hold hold(uses_, id);
        overlay2::unmount(home().of(id) / "merged");
        hold.count() = 0;
    }
}

std::vector<MountSpec> Overlay2Driver::mounts(const std::string& id, const std::string& mount_label) {
    archive::LayerUses::Hold hold(uses_, id);
    const Layer found = layer(id);
    if (found.lowers.empty()) return {{.type = "bind", .source = (found.dir / "diff").string(), .options = {}}};
    return {{.type = "overlay",
             .source = "overlay",
             .options = overlay2::absoluteOptions(overlayOf(found, id, mount_label))}};
}

void Overlay2Driver::setLimit(const std::string& id, std::int64_t bytes) {
    if (bytes < 0) throw error(Code::invalid, "limit layer {}: negative size", id);
    const fs::path dir = home().require(id);
    requireLimits();
    quota_->limit(dir, {.bytes = bytes});
}

}  // namespace davit
