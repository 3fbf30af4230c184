#include "managed/managed_plugins.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <thread>

#include "archive/unpack.hpp"
#include "base/check.hpp"
#include "base/defer.hpp"
#include "base/file.hpp"
#include "base/id.hpp"
#include "base/log.hpp"
#include "managed/managed_entry.hpp"

namespace davit::managed {
namespace fs = std::filesystem;
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kShortestId = 12;
constexpr std::size_t kSocketId = 32;  // a socket's path has 107 bytes
constexpr std::size_t kMaxConfig = std::size_t{1} << 20U;

bool answers(const fs::path& socket_path) {
    const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (!fd || socket_path.native().size() >= sizeof address.sun_path) return false;
    std::copy(socket_path.native().begin(), socket_path.native().end(), address.sun_path);
    return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

// A repository's name as Docker has it, with an optional tag.
void checkPluginName(const std::string& name) {
    const bool good = !name.empty() && name.size() < 256 && name.front() != '/' && name.find("//") == std::string::npos &&
                      std::all_of(name.begin(), name.end(), [](unsigned char c) {
                          return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || c == '/' || c == '.' || c == '_' ||
                                 c == '-' || c == ':';
                      });
    if (!good) throw Error(Code::invalid, "invalid reference format");
}

}  // namespace

std::string taggedName(const std::string& name) {
    const std::size_t colon = name.rfind(':');
    const bool tagged = colon != std::string::npos && name.find('/', colon) == std::string::npos;
    return tagged ? name : name + ":latest";
}

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

ManagedPlugins::EntryPtr ManagedPlugins::find(const std::string& ref) const {
    const std::string tagged = taggedName(ref);
    const Lock lock(mutex_);
    for (const auto& [id, entry] : entries_)
        if (entry->plugin.name == tagged || (ref.size() >= kShortestId && id.starts_with(ref))) return entry;
    throw error(Code::not_found, "plugin \"{}\" not found", ref);
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

void ManagedPlugins::save(const Entry& entry) { rows_.save(rowOf(entry.plugin, entry.timeout)); }

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
    checkPluginName(asked);
    const auto entry = std::make_shared<Entry>();
    entry->plugin.name = taggedName(asked);
    entry->plugin.id = randomId();
    {
        const Lock lock(mutex_);
        for (const auto& [id, other] : entries_)
            if (other->plugin.name == entry->plugin.name) throw error(Code::conflict, "plugin {} already exists", entry->plugin.name);
    }
    const fs::path plugins = options_.data_root / "plugins";
    makeDirectories(plugins, 0700);
    const TempDir draft(plugins, ".new-");
    (void)archive::unpackLayer(tar, openFile(draft.path(), O_RDONLY | O_DIRECTORY).get(), {.whiteouts = archive::Whiteouts::plain});
    const std::optional<std::string> config = readFile(draft.path() / "config.json", kMaxConfig);
    if (!config) throw Error(Code::invalid, "config.json not found in the plugin context");
    if (!fs::is_directory(fs::symlink_status(draft.path() / "rootfs"))) throw Error(Code::invalid, "rootfs not found in the plugin context");
    entry->plugin.config = parseConfig(*config);
    entry->plugin.settings = PluginSettings::of(entry->plugin.config);
    const fs::path place = placeOf(entry->plugin.id).directory;
    makeDirectories(draft.path() / "propagated-mount", 0755);
    fs::rename(draft.path(), place);
    makeDirectories(draft.path(), 0700);  // TempDir removes what has its name
    Defer undo([&] { removeTree(place); });
    const Lock operation(entry->operation);
    {
        const Lock lock(mutex_);
        for (const auto& [id, other] : entries_)
            if (other->plugin.name == entry->plugin.name) throw error(Code::conflict, "plugin {} already exists", entry->plugin.name);
        entries_[entry->plugin.id] = entry;
    }
    Defer forget([&] {
        const Lock lock(mutex_);
        entries_.erase(entry->plugin.id);
    });
    save(*entry);
    forget.dismiss();
    undo.dismiss();
    publish(*entry);
    return entry->plugin;
}

// Starts the program. The caller holds the operation.
void ManagedPlugins::run(const EntryPtr& entry) {
    {
        const Lock lock(mutex_);
        entry->running = true;
        entry->started = Clock::now();
        if (!supervisor_.joinable() && !stopping_) supervisor_ = std::thread([this] { supervise(); });
    }
    try {
        entry->process =
            PluginProcess::start(monitor_, placeOf(entry->plugin.id), entry->plugin.config, entry->plugin.settings, onExit(entry));
    } catch (...) {  // rethrown
        const Lock lock(mutex_);
        entry->running = false;
        throw;
    }
}

PluginProcess::Exited ManagedPlugins::onExit(const EntryPtr& entry) const {
    return [gate = gate_, weak = std::weak_ptr<Entry>(entry)](const runtime::ExitInfo& exit) {
        const Lock lock(gate->mutex);
        if (gate->owner != nullptr) gate->owner->exited(weak, exit);
    };
}

void ManagedPlugins::exited(const std::weak_ptr<Entry>& weak, const runtime::ExitInfo& exit) {
    const EntryPtr entry = weak.lock();
    if (!entry) return;
    {
        const Lock lock(mutex_);
        entry->running = false;
        if (entry->plugin.enabled && !stopping_) {
            constexpr auto kFirst = 100ms, kLongest = 10000ms, kHealthy = 30000ms;
            if (Clock::now() - entry->started > kHealthy) entry->failures = 0;
            const auto pause = std::min<std::chrono::milliseconds>(kFirst * (1 << std::min(entry->failures++, 7)), kLongest);
            log::warning("plugin {} ended with {}; it is started again in {} ms", entry->plugin.name, exit.code, pause.count());
            restarts_.emplace(Clock::now() + pause, entry);
        }
    }
    changed_.notify_all();
}

// Ends the program. The caller holds the operation; the plugin isn't enabled any more.
void ManagedPlugins::end(const EntryPtr& entry) {
    if (!entry->process) return;
    for (const int signal : {SIGTERM, SIGKILL}) {
        try {
            entry->process->signal(signal);
        } catch (const Error& failure) {  // it has ended
            log::debug("plugin {}: {}", entry->plugin.name, failure.text());
        }
        const auto until = Clock::now() + options_.stop_timeout;
        const Lock lock(mutex_);
        while (entry->running)
            if (changed_.wait_until(mutex_, until) == std::cv_status::timeout) break;
        if (!entry->running) break;
    }
    entry->process->release();
    entry->process.reset();
    const PluginPlace place = placeOf(entry->plugin.id);
    PluginProcess::cleanUp(place);
    removeTree(place.socket_dir);
}

void ManagedPlugins::awaitSocket(const EntryPtr& entry) {
    const fs::path path = placeOf(entry->plugin.id).socket_dir / entry->plugin.config.socket;
    const auto until = Clock::now() + options_.ready_timeout;
    while (!answers(path)) {
        const Lock lock(mutex_);
        if (!entry->running) throw error(Code::system, "plugin {}: its program ended before it listened; the daemon's log has its output", entry->plugin.name);
        if (Clock::now() > until)
            throw error(Code::system, "dial unix {}: connect: {}", path.string(), fs::exists(path) ? "connection refused" : "no such file or directory");
        (void)changed_.wait_for(mutex_, 10ms);
    }
}

Plugin ManagedPlugins::enable(const std::string& ref, std::chrono::seconds timeout) {
    const EntryPtr entry = find(ref);
    const Lock operation(entry->operation);
    if (entry->gone) throw error(Code::not_found, "plugin \"{}\" not found", ref);
    if (entry->plugin.enabled) throw error(Code::conflict, "plugin already enabled: plugin {} is enabled", entry->plugin.name);
    run(entry);
    try {
        awaitSocket(entry);
    } catch (...) {  // rethrown: it stays disabled
        end(entry);
        unshareMounts(placeOf(entry->plugin.id).directory / "propagated-mount");
        throw;
    }
    {
        const Lock lock(mutex_);
        entry->timeout = timeout;
        entry->failures = 0;
        entry->plugin.enabled = true;
    }
    save(*entry);
    publish(*entry);
    return entry->plugin;
}

void ManagedPlugins::refuseUse(const Plugin& plugin, bool force) const {
    if (!force && users_ && users_(plugin)) throw error(Code::conflict, "plugin {} is in use", plugin.name);
}

Plugin ManagedPlugins::disable(const std::string& ref, bool force) {
    const EntryPtr entry = find(ref);
    const Lock operation(entry->operation);
    if (!entry->plugin.enabled) throw error(Code::conflict, "plugin is already disabled: plugin {} found but disabled", entry->plugin.name);
    refuseUse(entry->plugin, force);
    {
        const Lock lock(mutex_);
        entry->plugin.enabled = false;
    }
    save(*entry);
    publish(*entry);
    end(entry);
    unshareMounts(placeOf(entry->plugin.id).directory / "propagated-mount");
    return entry->plugin;
}

void ManagedPlugins::set(const std::string& ref, const Strings& assignments) {
    const EntryPtr entry = find(ref);
    const Lock operation(entry->operation);
    if (entry->plugin.enabled) throw Error(Code::conflict, "cannot set on an active plugin, disable plugin before setting");
    PluginSettings settings = entry->plugin.settings;
    settings.apply(entry->plugin.config, assignments);
    {
        const Lock lock(mutex_);
        entry->plugin.settings = std::move(settings);
    }
    save(*entry);
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
    unshareMounts(placeOf(id).directory / "propagated-mount");
    removeTree(placeOf(id).directory);
    return entry->plugin;
}

}  // namespace davit::managed
