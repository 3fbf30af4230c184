#include "managed/managed_plugins.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "base/defer.hpp"
#include "base/file.hpp"
#include "base/id.hpp"
#include "managed/managed_entry.hpp"
#include "managed/plugin_folder.hpp"
#include "managed/plugin_name.hpp"

namespace davit::managed {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kFullId = 64;
constexpr std::size_t kSocketId = 32;  // a socket's path has 107 bytes

bool isHex(const std::string& text) { return text.find_first_not_of("0123456789abcdef") == std::string::npos; }

}  // namespace

state::Schema ManagedPlugins::schema() { return PluginRows::schema(); }

ManagedPlugins::ManagedPlugins(ManagedOptions options, state::Database& database, plugin::DriverRegistry& registry,
                               runtime::ShimMonitor& monitor)
    : options_(std::move(options)), rows_(database), registry_(registry), monitor_(monitor) {
    const Lock lock(gate_->mutex);
    gate_->owner = this;
}

ManagedPlugins::~ManagedPlugins() {
    stop();
    const Lock lock(gate_->mutex);
    gate_->owner = nullptr;
}

std::vector<Plugin> ManagedPlugins::list() const {
    std::vector<Plugin> all;
    {
        const Lock lock(mutex_);
        for (const auto& [id, entry] : entries_) all.push_back(entry->plugin);
    }
    std::sort(all.begin(), all.end(), [](const Plugin& a, const Plugin& b) { return a.name < b.name; });
    return all;
}

ManagedPlugins::EntryPtr ManagedPlugins::byName(const std::string& name) const {
    const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const auto& one) { return one.second->plugin.name == name; });
    return found == entries_.end() ? nullptr : found->second;
}

ManagedPlugins::EntryPtr ManagedPlugins::find(const std::string& ref) const {
    const std::optional<std::string> name = tryPluginName(ref);
    const Lock lock(mutex_);
    if (const EntryPtr named = name ? byName(*name) : nullptr) return named;
    if (ref.empty() || ref.size() > kFullId || !isHex(ref)) throw error(Code::not_found, "plugin \"{}\" not found", ref);
    const auto first = entries_.lower_bound(ref);
    if (first == entries_.end() || !first->first.starts_with(ref)) throw error(Code::not_found, "plugin \"{}\" not found", ref);
    const auto second = std::next(first);
    if (second != entries_.end() && second->first.starts_with(ref)) throw error(Code::invalid, "multiple plugins found for \"{}\"", ref);
    return first->second;
}

Plugin ManagedPlugins::inspect(const std::string& ref) const {
    const EntryPtr entry = find(ref);
    const Lock lock(mutex_);
    return entry->plugin;
}

PluginPlace ManagedPlugins::placeOf(const std::string& id) const {
    return {.id = id,
            .directory = options_.data_root / "plugins" / id,
            .run_dir = options_.exec_root / "managed" / id,
            .socket_dir = options_.exec_root / "plugins" / id.substr(0, kSocketId),
            .cgroup_parent = options_.cgroup_parent + "/plugins"};
}

PluginRow ManagedPlugins::rowOf(const Plugin& plugin, std::chrono::seconds timeout) const {
    json::Writer settings;
    writeSettings(settings, plugin.settings);
    return {plugin.id, plugin.name, plugin.enabled, timeout.count(), settings.take()};
}

void ManagedPlugins::change(Entry& entry, Plugin plugin, std::chrono::seconds timeout) {
    rows_.save(rowOf(plugin, timeout));
    const Lock lock(mutex_);
    entry.plugin = std::move(plugin);
    entry.timeout = timeout;
}

void ManagedPlugins::publish(const Entry& entry) {
    const PluginPlace place = placeOf(entry.plugin.id);
    registry_.setManaged({.id = entry.plugin.id,
                          .name = entry.plugin.name,
                          .enabled = entry.plugin.enabled,
                          .socket = place.socket_dir / entry.plugin.config.socket,
                          .interfaces = entry.plugin.config.interfaces(),
                          .timeout = entry.timeout,
                          .scope = {.rootfs = place.directory / "rootfs",
                                    .propagated = entry.plugin.config.propagated_mount,
                                    .propagated_host = place.directory / "propagated-mount"}});
}

Plugin ManagedPlugins::create(const std::string& asked, ByteSource& tar) {
    const auto entry = std::make_shared<Entry>();
    entry->plugin.name = pluginName(asked);
    entry->plugin.id = randomId();
    const auto refuseSecond = [&]() DAVIT_REQUIRES(mutex_) {
        if (byName(entry->plugin.name)) throw error(Code::conflict, "plugin {} already exists", entry->plugin.name);
    };
    {
        const Lock lock(mutex_);
        refuseSecond();
    }
    const fs::path plugins = options_.data_root / "plugins";
    makeDirectories(plugins, 0700);
    TempDir draft(plugins, ".new-");
    entry->plugin.config = unpackPlugin(draft.path(), tar);
    entry->plugin.settings = PluginSettings::of(entry->plugin.config);
    const fs::path place = placeOf(entry->plugin.id).directory;
    fs::rename(draft.path(), place);
    (void)draft.release();
    Defer undo([&] { removeTree(place); });
    const Lock operation(entry->operation);
    {
        const Lock lock(mutex_);
        refuseSecond();
        entries_[entry->plugin.id] = entry;
    }
    Defer forget([&] {
        const Lock lock(mutex_);
        entries_.erase(entry->plugin.id);
        entry->gone = true;
    });
    rows_.save(rowOf(entry->plugin, entry->timeout));
    forget.dismiss();
    undo.dismiss();
    publish(*entry);
    return entry->plugin;
}

Plugin ManagedPlugins::enable(const std::string& ref, std::chrono::seconds timeout) {
    const EntryPtr entry = find(ref);
    const Lock operation(entry->operation);
    refuseGone(*entry, ref);
    if (entry->plugin.enabled) throw error(Code::conflict, "plugin already enabled: plugin {} is enabled", entry->plugin.name);
    if (entry->process) end(entry);  // one that couldn't be ended before
    Defer undo([&] { end(entry); });
    run(entry);
    awaitSocket(entry, std::chrono::steady_clock::now() + options_.ready_timeout);
    Plugin enabled = entry->plugin;
    enabled.enabled = true;
    change(*entry, std::move(enabled), timeout);
    undo.dismiss();
    publish(*entry);
    const Lock lock(mutex_);
    entry->failures = 0;
    if (!entry->running) restartLater(entry);  // it ended when it wasn't enabled yet
    return entry->plugin;
}

void ManagedPlugins::refuseGone(const Entry& entry, const std::string& ref) {
    if (entry.gone) throw error(Code::not_found, "plugin \"{}\" not found", ref);
    if (entry.damaged) throw error(Code::system, "plugin {} is damaged: the daemon's log says why", entry.plugin.name);
}

void ManagedPlugins::refuseUse(const Plugin& plugin, bool force) const {
    if (!force && users_ && users_(plugin)) throw error(Code::conflict, "plugin {} is in use", plugin.name);
}

Plugin ManagedPlugins::disable(const std::string& ref, bool force) {
    const EntryPtr entry = find(ref);
    const Lock operation(entry->operation);
    refuseGone(*entry, ref);
    if (!entry->plugin.enabled) throw error(Code::conflict, "plugin is already disabled: plugin {} found but disabled", entry->plugin.name);
    refuseUse(entry->plugin, force);
    Plugin disabled = entry->plugin;
    disabled.enabled = false;
    change(*entry, std::move(disabled), entry->timeout);
    publish(*entry);
    end(entry);
    return entry->plugin;
}

void ManagedPlugins::set(const std::string& ref, const Strings& assignments) {
    const EntryPtr entry = find(ref);
    const Lock operation(entry->operation);
    refuseGone(*entry, ref);
    if (entry->plugin.enabled) throw Error(Code::conflict, "cannot set on an active plugin, disable plugin before setting");
    Plugin changed = entry->plugin;
    changed.settings.apply(changed.config, assignments);
    change(*entry, std::move(changed), entry->timeout);
}

Plugin ManagedPlugins::remove(const std::string& ref, bool force) {
    const EntryPtr entry = find(ref);
    const Lock operation(entry->operation);
    if (entry->gone) throw error(Code::not_found, "plugin \"{}\" not found", ref);
    refuseUse(entry->plugin, force);
    if (entry->plugin.enabled && !force) throw error(Code::conflict, "plugin {} is enabled", entry->plugin.name);
    const std::string id = entry->plugin.id;
    rows_.remove(id);
    {
        const Lock lock(mutex_);
        entry->plugin.enabled = false;
        entry->gone = true;
        entries_.erase(id);
    }
    registry_.removeManaged(id);
    end(entry);
    removeTree(placeOf(id).directory);
    return entry->plugin;
}

}  // namespace davit::managed
