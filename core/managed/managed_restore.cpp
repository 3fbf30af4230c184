// The daemon's start, and the supervision of programs that end.
#include <algorithm>

#include "base/file.hpp"
#include "base/log.hpp"
#include "managed/managed_entry.hpp"

namespace davit::managed {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMaxConfig = std::size_t{1} << 20U;
constexpr std::chrono::hours kIdle{1};

}  // namespace

void ManagedPlugins::restore() {
    for (const PluginRow& row : rows_.load()) {
        try {
            restoreOne(row);
        } catch (const std::exception& failure) {  // the others' start goes on
            log::error("plugin {}: {}", row.name, failure.what());
        }
    }
    removeUnknownFolders();
}

void ManagedPlugins::restoreOne(const PluginRow& row) {
    const auto entry = std::make_shared<Entry>();
    entry->plugin.id = row.id;
    entry->plugin.name = row.name;
    entry->timeout = std::chrono::seconds(row.timeout_s);
    {
        const Lock lock(mutex_);
        entries_[row.id] = entry;  // it can be removed, whatever is wrong with it
    }
    const PluginPlace place = placeOf(row.id);
    const std::optional<std::string> config = readFile(place.directory / "config.json", kMaxConfig);
    if (!config) throw Error(Code::system, "its config.json is missing");
    entry->plugin.config = parseConfig(*config);
    const json::Document settings = json::Document::parse(row.settings);
    entry->plugin.settings = readSettings(settings.root(), entry->plugin.config);
    entry->plugin.enabled = row.enabled;
    publish(*entry);
    if (!row.enabled) return PluginProcess::cleanUp(place);
    const Lock operation(entry->operation);
    {
        const Lock lock(mutex_);
        entry->running = true;
        entry->started = std::chrono::steady_clock::now();
        if (!supervisor_.joinable()) supervisor_ = std::thread([this] { supervise(); });
    }
    entry->process = PluginProcess::takeUp(monitor_, place, onExit(entry));
    if (entry->process) return;
    run(entry);
    awaitSocket(entry);
}

// What a create or a removal left.
void ManagedPlugins::removeUnknownFolders() {
    const fs::path plugins = options_.data_root / "plugins";
    std::error_code none;
    for (fs::directory_iterator at(plugins, none), last; !none && at != last; at.increment(none)) {
        const std::string name = at->path().filename();
        {
            const Lock lock(mutex_);
            if (entries_.contains(name)) continue;
        }
        PluginProcess::cleanUp(placeOf(name));
        unshareMounts(at->path() / "propagated-mount");
        removeTree(at->path());
    }
}

void ManagedPlugins::supervise() {
    while (true) {
        EntryPtr entry;
        {
            const Lock lock(mutex_);
            while (!stopping_ && (restarts_.empty() || restarts_.begin()->first > std::chrono::steady_clock::now())) {
                const auto next = restarts_.empty() ? std::chrono::steady_clock::now() + kIdle : restarts_.begin()->first;
                (void)changed_.wait_until(mutex_, next);
            }
            if (stopping_) return;
            entry = restarts_.begin()->second.lock();
            restarts_.erase(restarts_.begin());
        }
        if (!entry) continue;
        const Lock operation(entry->operation);
        if (!entry->plugin.enabled || entry->gone) continue;
        try {
            if (entry->process) entry->process->release();
            entry->process.reset();
            PluginProcess::cleanUp(placeOf(entry->plugin.id));
            run(entry);
        } catch (const std::exception& failure) {  // a thread's entry
            log::error("plugin {}: {}", entry->plugin.name, failure.what());
            exited(entry, {});
        }
    }
}

void ManagedPlugins::stop() {
    {
        const Lock lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    if (supervisor_.joinable()) supervisor_.join();
}

}  // namespace davit::managed
