// The daemon's start.
#include "base/file.hpp"
#include "base/log.hpp"
#include "managed/managed_entry.hpp"
#include "managed/plugin_folder.hpp"

namespace davit::managed {
namespace fs = std::filesystem;

void ManagedPlugins::restore() {
    std::vector<EntryPtr> started;
    for (const PluginRow& row : rows_.load()) {
        try {
            if (EntryPtr entry = restoreOne(row)) started.push_back(std::move(entry));
        } catch (const std::exception& failure) {  // the others' start goes on
            log::error("plugin {}: {}", row.name, failure.what());
        }
    }
    removeUnknownFolders();
    const auto until = std::chrono::steady_clock::now() + options_.restore_timeout;
    for (const EntryPtr& entry : started) {
        try {
            awaitSocket(entry, until);
        } catch (const std::exception& failure) {  // it may answer later
            log::warning("plugin {}: {}", entry->plugin.name, failure.what());
        }
    }
}

ManagedPlugins::EntryPtr ManagedPlugins::restoreOne(const PluginRow& row) {
    const auto entry = std::make_shared<Entry>();
    entry->plugin.id = row.id;
    entry->plugin.name = row.name;
    entry->timeout = std::chrono::seconds(row.timeout_s);
    {
        const Lock lock(mutex_);
        entries_[row.id] = entry;  // it can be removed, whatever is wrong with it
    }
    const PluginPlace place = placeOf(row.id);
    try {
        entry->plugin.config = readConfig(place.directory);
        const json::Document settings = json::Document::parse(row.settings);
        entry->plugin.settings = readSettings(settings.root(), entry->plugin.config);
    } catch (...) {  // rethrown
        entry->damaged = true;
        cleanUp(place);
        throw;
    }
    entry->plugin.enabled = row.enabled;
    publish(*entry);
    if (!row.enabled) {
        cleanUp(place);
        return nullptr;
    }
    const Lock operation(entry->operation);
    try {
        expectProgram(*entry);
        entry->process = PluginProcess::takeUp(monitor_, place, onExit(entry));
        if (entry->process) return nullptr;
        run(entry);
        return entry;
    } catch (const std::exception& failure) {  // what keeps it from starting may pass
        log::error("plugin {}: {}", entry->plugin.name, failure.what());
        const Lock lock(mutex_);
        entry->running = false;
        restartLater(entry);
        return nullptr;
    }
}

// What a create or a removal left.
void ManagedPlugins::removeUnknownFolders() {
    const fs::path plugins = options_.data_root / "plugins";
    std::error_code none;
    std::vector<std::string> unknown;
    for (fs::directory_iterator at(plugins, none), last; !none && at != last; at.increment(none)) {
        const Lock lock(mutex_);
        if (std::string name = at->path().filename(); !entries_.contains(name)) unknown.push_back(std::move(name));
    }
    for (const std::string& name : unknown) {
        try {
            cleanUp(placeOf(name));
            removeTree(plugins / name);
        } catch (const std::exception& failure) {  // the next start tries again
            log::warning("remove what is left of plugin {}: {}", name, failure.what());
        }
    }
}

}  // namespace davit::managed
