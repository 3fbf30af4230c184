#include "plugin/registry.hpp"

#include <algorithm>
#include <future>
#include <set>
#include <tuple>

#include "base/check.hpp"
#include "base/file.hpp"
#include "base/thread_annotations.hpp"
#include "plugin/directory_watcher.hpp"
#include "plugin/foreign_server.hpp"
#include "plugin/local_driver.hpp"
#include "plugin/plugin_files.hpp"

namespace davit::plugin {
namespace {

using namespace std::chrono_literals;

using Key = std::pair<DriverKind, std::string>;
using Clock = std::chrono::steady_clock;

// A server and the proxies that were made for it, one per kind.
struct KnownServer {
    std::shared_ptr<ForeignServer> server;  ///< nullptr: its file makes no sense
    ServerFile file;
    std::string reason;
    std::map<DriverKind, std::shared_ptr<void>> proxies;
};

// One that the daemon runs itself.
struct KnownManaged {
    ManagedServer facts;
    std::shared_ptr<ForeignServer> server;  ///< nullptr: disabled
    std::map<DriverKind, std::shared_ptr<void>> proxies;
};

// What a managed plugin that isn't enabled would offer.
std::vector<DriverInfo> disabled(const ManagedServer& facts) {
    std::vector<DriverInfo> result;
    for (const std::string& interface : facts.interfaces) {
        const std::optional<DriverKind> kind = kindOfInterface(interface);
        if (!kind) continue;
        result.push_back({.kind = kind,
                          .name = facts.name,
                          .description = {},
                          .plugin = facts.name,
                          .version = {},
                          .file = facts.socket.native(),
                          .transport = unixAddress(facts.socket).text(),
                          .isolation = Isolation::server,
                          .state = DriverState::skipped,
                          .reason = "disabled"});
    }
    return result;
}

Error notFound(std::string_view name) { return error(Code::not_found, "plugin \"{}\" not found", name); }

}  // namespace

struct DriverRegistry::Impl {
    explicit Impl(RegistryOptions given);

    void rescan() DAVIT_EXCLUDES(scanning, mutex);
    void rescanFiles() DAVIT_REQUIRES(scanning);
    void rescanServers() DAVIT_REQUIRES(scanning);
    [[nodiscard]] std::shared_ptr<void> proxy(DriverKind kind, std::string_view name);
    /// By name, name without ":latest", or beginning of the id; nullptr: none. Valid while `mutex` is held.
    [[nodiscard]] KnownManaged* findManaged(std::string_view name) DAVIT_REQUIRES(mutex);
    [[nodiscard]] std::shared_ptr<void> managedProxy(DriverKind kind, std::string_view name);
    [[nodiscard]] std::shared_ptr<void> serverProxy(DriverKind kind, std::string_view name);
    [[nodiscard]] std::shared_ptr<LocalDriver> local(DriverKind kind, std::string_view name) const;
    [[nodiscard]] std::shared_ptr<ForeignServer> server(std::string_view name) const;
    [[nodiscard]] bool isKnown(const ServerFile& file) const;
    [[nodiscard]] std::chrono::milliseconds patience(std::string_view name) const;
    [[nodiscard]] std::shared_ptr<ForeignServer> awaitServer(std::string_view name, Clock::time_point end,
                                                             std::shared_ptr<LocalDriver>& appeared, DriverKind kind);
    void askAll();
    [[nodiscard]] LocalDriver::Settings settingsFor(const PluginFile& file, const std::string& driver) const;
    [[nodiscard]] std::vector<DriverInfo> list() const;
    /// Whether a driver or a plugin is called that.
    [[nodiscard]] bool isKnownName(std::string_view name) const;

    const RegistryOptions options;
    const std::shared_ptr<CallTrace> trace = std::make_shared<CallTrace>();
    const std::shared_ptr<const LocalDriverHost> host;
    mutable Mutex scanning;  ///< one scan at a time; taken before `mutex`
    PluginFiles files DAVIT_GUARDED_BY(scanning);
    mutable Mutex mutex;
    Condition changed;
    std::map<Key, std::shared_ptr<LocalDriver>> locals DAVIT_GUARDED_BY(mutex);
    std::vector<DriverInfo> refused DAVIT_GUARDED_BY(mutex);  ///< files without a driver, drivers behind others
    std::map<std::string, KnownServer, std::less<>> servers DAVIT_GUARDED_BY(mutex);
    std::map<std::string, KnownManaged> managed DAVIT_GUARDED_BY(mutex);  ///< by id
    std::set<std::string, std::less<>> expected DAVIT_GUARDED_BY(mutex);  ///< names that a server has had or will have
    std::optional<DirectoryWatcher> watcher;  ///< last: its thread uses everything above
};

DriverRegistry::Impl::Impl(RegistryOptions given)
    : options(std::move(given)),
      host(std::make_shared<const LocalDriverHost>(LocalDriverHost{.host_binary = options.host_binary,
                                                                   .run_directory = options.run_directory,
                                                                   .state_directory = options.state_directory,
                                                                   .engine_version = options.engine_version,
                                                                   .log = options.log,
                                                                   .trace = trace})),
      files(options.plugin_directories, options.own_directories, options.host_binary) {
    makeDirectories(options.run_directory, 0700);
    std::vector<std::filesystem::path> watched = options.plugin_directories;
    watched.insert(watched.end(), options.discovery.socket_directories.begin(),
                   options.discovery.socket_directories.end());
    watched.insert(watched.end(), options.discovery.spec_directories.begin(), options.discovery.spec_directories.end());
    watcher.emplace(std::move(watched), [this] {
        try {
            rescan();
        } catch (const std::exception& e) {  // a thread's entry
            if (options.log) options.log(log::Level::warning, std::string("look for plugins: ") + e.what());
        }
    });
    rescan();
}

void DriverRegistry::Impl::rescan() {
    {
        const Lock lock(scanning);
        rescanFiles();
        rescanServers();
    }
    changed.notify_all();
}

LocalDriver::Settings DriverRegistry::Impl::settingsFor(const PluginFile& file, const std::string& driver) const {
    LocalDriver::Settings settings{.isolation = file.own ? Isolation::in_process : Isolation::own_process};
    const auto section = options.sections.find(driver);
    if (section == options.sections.end()) return settings;
    settings.config_json = section->second.config_json;
    if (section->second.isolation) settings.isolation = *section->second.isolation;
    return settings;
}

void DriverRegistry::Impl::rescanFiles() {
    const auto scanned = files.scan();
    const Lock lock(mutex);
    std::map<Key, std::shared_ptr<LocalDriver>> found;
    refused.clear();
    for (const auto& file : scanned) {
        if (!file->plugin) {
            refused.push_back({.kind = std::nullopt,
                               .name = file->file.stem().native(),
                               .description = {},
                               .plugin = {},
                               .version = {},
                               .file = file->file.native(),
                               .transport = {},
                               .state = DriverState::failed,
                               .reason = file->reason,
                               .generation = file->generation});
            continue;
        }
        for (const ProbedDriver& driver : file->plugin->drivers) {
            const Key key{driver.kind, driver.name};
            const auto before = locals.find(key);
            const bool same = before != locals.end() && before->second->file() == file;
            auto entry = same ? before->second
                              : std::make_shared<LocalDriver>(file, driver, settingsFor(*file, driver.name), host);
            const auto [place, added] = found.emplace(key, entry);
            if (added) continue;
            DriverInfo info = entry->describe();
            info.state = DriverState::skipped;
            info.reason = "hidden by " + place->second->file()->file.native();
            refused.push_back(std::move(info));
        }
    }
    locals.swap(found);
}

void DriverRegistry::Impl::rescanServers() {
    auto found = findServers(options.discovery);
    const Lock lock(mutex);
    std::erase_if(servers, [&found](const auto& known) {
        const auto file = found.find(known.first);
        return file == found.end() || !(file->second == known.second.file);
    });
    for (auto& [name, file] : found) {
        expected.insert(name);
        if (servers.contains(name)) continue;
        KnownServer known{.server = nullptr, .file = file, .reason = {}, .proxies = {}};
        try {
            known.server = std::make_shared<ForeignServer>(file, trace);
        } catch (const Error& e) {
            known.reason = e.text();
        }
        servers.emplace(name, std::move(known));
    }
}

std::shared_ptr<LocalDriver> DriverRegistry::Impl::local(DriverKind kind, std::string_view name) const {
    const Lock lock(mutex);
    const auto found = locals.find(Key(kind, name));
    return found == locals.end() ? nullptr : found->second;
}

std::shared_ptr<ForeignServer> DriverRegistry::Impl::server(std::string_view name) const {
    const Lock lock(mutex);
    const auto found = servers.find(name);
    if (found == servers.end()) return nullptr;
    if (!found->second.server) throw Error(Code::invalid, found->second.reason);
    return found->second.server;
}

std::shared_ptr<void> DriverRegistry::Impl::proxy(DriverKind kind, std::string_view name) {
    const auto driver = local(kind, name);
    if (driver && driver->file()->own) return driver->proxy();
    if (auto managed_one = managedProxy(kind, name)) return managed_one;
    return driver ? driver->proxy() : serverProxy(kind, name);
}

KnownManaged* DriverRegistry::Impl::findManaged(std::string_view name) {
    constexpr std::size_t kShortestId = 12;
    KnownManaged* by_id = nullptr;
    int matches = 0;
    for (auto& [id, known] : managed) {
        const std::string& full = known.facts.name;
        const bool latest = full.ends_with(":latest") && full.substr(0, full.size() - 7) == name;
        if (full == name || latest) return &known;
        if (name.size() < kShortestId || !id.starts_with(name)) continue;
        by_id = &known;
        ++matches;
    }
    return matches == 1 ? by_id : nullptr;
}

std::shared_ptr<void> DriverRegistry::Impl::managedProxy(DriverKind kind, std::string_view name) {
    const Lock lock(mutex);
    KnownManaged* known = findManaged(name);
    if (known == nullptr) return nullptr;
    if (!known->server) throw error(Code::conflict, "plugin {} found but disabled", name);
    // Storage is opened before such plugins are started, and its paths would be taken as the host's.
    if (kind == DriverKind::storage || !known->server->implements(kind))
        throw error(Code::not_found, "plugin \"{}\" does not implement {}", name, interfaceName(kind));
    auto& proxy = known->proxies[kind];
    if (proxy) return proxy;
    proxy = makeProxy(kind, known->server);
    if (kind == DriverKind::volume)
        proxy = scopedVolumeDriver(std::static_pointer_cast<VolumeDriver>(proxy), known->facts.scope);
    return proxy;
}

// A server of that name, waiting for its file until `end`; or a .so that appeared meanwhile.
std::shared_ptr<ForeignServer> DriverRegistry::Impl::awaitServer(std::string_view name, Clock::time_point end,
                                                                 std::shared_ptr<LocalDriver>& appeared,
                                                                 DriverKind kind) {
    // What inotify hasn't told yet is found by looking: a server that came, and one that has taken another's place.
    if (const auto file = findServer(options.discovery, name); file && !isKnown(*file)) rescan();
    for (;;) {
        if (auto found = server(name)) return found;
        if ((appeared = local(kind, name))) return nullptr;
        const Lock lock(mutex);
        if (changed.wait_until(mutex, end) == std::cv_status::timeout) throw notFound(name);
    }
}

bool DriverRegistry::Impl::isKnown(const ServerFile& file) const {
    const Lock lock(mutex);
    const auto found = servers.find(file.name);
    return found != servers.end() && found->second.file == file;
}

std::chrono::milliseconds DriverRegistry::Impl::patience(std::string_view name) const {
    const Lock lock(mutex);
    return expected.contains(name) ? options.appear_timeout : std::min(options.appear_timeout, options.unknown_timeout);
}

std::shared_ptr<void> DriverRegistry::Impl::serverProxy(DriverKind kind, std::string_view name) {
    const auto end = Clock::now() + patience(name);
    for (auto wait = 50ms;; wait = std::min(wait * 2, std::chrono::milliseconds(1000))) {
        std::shared_ptr<LocalDriver> appeared;
        const auto found = awaitServer(name, end, appeared, kind);
        if (appeared) return appeared->proxy();
        const bool was_dead = found->describe().front().state == DriverState::dead;
        try {
            found->activate(methodTimeout("Plugin.Activate"));
        } catch (const Error& e) {
            if (e.code() != Code::unavailable || was_dead || Clock::now() + wait > end) throw;
            const Lock lock(mutex);
            (void)changed.wait_for(mutex, wait);  // a new socket ends the pause early
            continue;
        }
        if (!found->implements(kind))
            throw error(Code::not_found, "plugin \"{}\" does not implement {}", name, interfaceName(kind));
        const Lock lock(mutex);
        const auto known = servers.find(name);
        if (known == servers.end() || known->second.server != found) return makeProxy(kind, found);
        auto& proxy = known->second.proxies[kind];
        if (!proxy) proxy = makeProxy(kind, found);
        return proxy;
    }
}

// Asks every server that hasn't said what it is, at once. A dead one isn't asked: only a request that names it may wait.
void DriverRegistry::Impl::askAll() {
    std::vector<std::shared_ptr<ForeignServer>> silent;
    {
        const Lock lock(mutex);
        for (const auto& [name, known] : servers)
            if (known.server && known.server->interfaces().empty() &&
                known.server->describe().front().state != DriverState::dead)
                silent.push_back(known.server);
    }
    std::vector<std::future<void>> asked;
    asked.reserve(silent.size());
    for (const auto& one : silent)
        asked.push_back(std::async(std::launch::async, [this, one] {
            try {
                one->activate(options.enumerate_timeout);
            } catch (const Error& e) {
                if (options.log) options.log(log::Level::warning, e.text());
            }
        }));
    for (auto& one : asked) one.get();
}

std::vector<DriverInfo> DriverRegistry::Impl::list() const {
    std::vector<DriverInfo> result;
    {
        const Lock lock(mutex);
        result = refused;
        for (const auto& [key, driver] : locals) result.push_back(driver->describe());
        for (const auto& [id, known] : managed)
            for (DriverInfo& info : known.server ? known.server->describe() : disabled(known.facts)) result.push_back(std::move(info));
        for (const auto& [name, known] : servers) {
            if (known.server) {
                for (DriverInfo& info : known.server->describe()) result.push_back(std::move(info));
                continue;
            }
            result.push_back({.kind = std::nullopt,
                              .name = name,
                              .description = {},
                              .plugin = name,
                              .version = {},
                              .file = known.file.file.native(),
                              .transport = {},
                              .isolation = Isolation::server,
                              .state = DriverState::failed,
                              .reason = known.reason});
        }
    }
    std::stable_sort(result.begin(), result.end(), [](const DriverInfo& a, const DriverInfo& b) {
        return std::tie(a.kind, a.name) < std::tie(b.kind, b.name);
    });
    return result;
}

bool DriverRegistry::Impl::isKnownName(std::string_view name) const {
    const std::vector<DriverInfo> all = list();
    return std::any_of(all.begin(), all.end(), [name](const DriverInfo& info) { return info.name == name || info.plugin == name; });
}

DriverRegistry::DriverRegistry(RegistryOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
DriverRegistry::~DriverRegistry() = default;

std::shared_ptr<StorageDriver> DriverRegistry::storage(std::string_view name) {
    return std::static_pointer_cast<StorageDriver>(impl_->proxy(DriverKind::storage, name));
}
std::shared_ptr<NetworkDriver> DriverRegistry::network(std::string_view name) {
    return std::static_pointer_cast<NetworkDriver>(impl_->proxy(DriverKind::network, name));
}
std::shared_ptr<IpamDriver> DriverRegistry::ipam(std::string_view name) {
    return std::static_pointer_cast<IpamDriver>(impl_->proxy(DriverKind::ipam, name));
}
std::shared_ptr<VolumeDriver> DriverRegistry::volume(std::string_view name) {
    return std::static_pointer_cast<VolumeDriver>(impl_->proxy(DriverKind::volume, name));
}

void DriverRegistry::setManaged(ManagedServer facts) {
    KnownManaged known{.facts = std::move(facts), .server = nullptr, .proxies = {}};
    if (known.facts.enabled)
        known.server = std::make_shared<ForeignServer>(ForeignServer::Known{.name = known.facts.name,
                                                                            .address = unixAddress(known.facts.socket),
                                                                            .interfaces = known.facts.interfaces,
                                                                            .limit = known.facts.timeout},
                                                       impl_->trace);
    {
        const Lock lock(impl_->mutex);
        const std::string id = known.facts.id;
        impl_->managed.insert_or_assign(id, std::move(known));
    }
    impl_->changed.notify_all();
}

void DriverRegistry::removeManaged(const std::string& id) {
    const Lock lock(impl_->mutex);
    impl_->managed.erase(id);
}

std::string DriverRegistry::canonicalName(DriverKind kind, std::string_view name) const {
    if (isOwn(kind, name)) return std::string(name);
    const Lock lock(impl_->mutex);
    const KnownManaged* known = impl_->findManaged(name);
    return known != nullptr ? known->facts.name : std::string(name);
}

std::shared_ptr<VolumeDriver> DriverRegistry::volumeNow(std::string_view name) {
    const auto driver = impl_->local(DriverKind::volume, name);
    if (driver && driver->file()->own) return std::static_pointer_cast<VolumeDriver>(driver->proxy());
    if (auto managed_one = impl_->managedProxy(DriverKind::volume, name)) return std::static_pointer_cast<VolumeDriver>(managed_one);
    if (driver) return std::static_pointer_cast<VolumeDriver>(driver->proxy());
    const auto server = impl_->server(name);
    if (!server) throw notFound(name);
    server->activate(impl_->options.enumerate_timeout);
    if (!server->implements(DriverKind::volume)) return nullptr;
    return std::static_pointer_cast<VolumeDriver>(impl_->proxy(DriverKind::volume, name));
}

bool DriverRegistry::isOwn(DriverKind kind, std::string_view name) const {
    const auto driver = impl_->local(kind, name);
    return driver && driver->file()->own;
}

std::vector<std::string> DriverRegistry::others(DriverKind kind) const {
    std::vector<std::string> names;
    for (const DriverInfo& info : impl_->list()) {
        if (info.state == DriverState::failed || info.state == DriverState::skipped || (info.kind && info.kind != kind)) continue;
        if (!isOwn(kind, info.name) && (names.empty() || names.back() != info.name)) names.push_back(info.name);
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

void DriverRegistry::expect(std::string_view name) {
    const Lock lock(impl_->mutex);
    impl_->expected.emplace(name);
}

std::unique_ptr<TraceListener> DriverRegistry::trace(std::string_view name, std::optional<DriverKind> kind) {
    std::string known;
    const auto kinds = {DriverKind::storage, DriverKind::network, DriverKind::ipam, DriverKind::volume};
    if (!std::any_of(kinds.begin(), kinds.end(), [&](DriverKind one) { return isOwn(one, name); })) {
        const Lock lock(impl_->mutex);
        if (const KnownManaged* managed = impl_->findManaged(name)) known = managed->facts.name;
    }
    if (known.empty() && !impl_->isKnownName(name)) {
        impl_->rescan();  // what inotify hasn't told yet
        if (!impl_->isKnownName(name)) throw notFound(name);
    }
    return impl_->trace->listen({.name = known.empty() ? std::string(name) : known, .kind = kind});
}

std::vector<DriverInfo> DriverRegistry::list() const { return impl_->list(); }

std::vector<std::string> DriverRegistry::names(DriverKind kind) {
    impl_->askAll();
    std::set<std::string> result;
    for (const DriverInfo& info : impl_->list())
        if (info.kind == kind && info.state != DriverState::failed && info.state != DriverState::skipped)
            result.insert(info.name);
    return {result.begin(), result.end()};
}

void DriverRegistry::rescan() { impl_->rescan(); }

}  // namespace davit::plugin
