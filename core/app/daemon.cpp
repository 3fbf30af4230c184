#include "app/daemon.hpp"

#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "api/api_server.hpp"
#include "api/hosts.hpp"
#include "app/notify.hpp"
#include "app/places.hpp"
#include "app/standard_network.hpp"
#include "app/storage_choice.hpp"
#include "base/check.hpp"
#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "engine/container_rows.hpp"
#include "engine/engine.hpp"
#include "engine/network_drivers.hpp"
#include "engine/volume_drivers.hpp"
#include "engine/version.hpp"
#include "image/default_image.hpp"
#include "network/controller.hpp"
#include "oci/digest.hpp"
#include "state/disk_reserve.hpp"
#include "volume/controller.hpp"

namespace davit::app {
namespace {

constexpr std::chrono::seconds kApiGrace{5};
constexpr std::chrono::milliseconds kLockPatience{700};
constexpr int kSignalsThatForce = 3;
constexpr int kReserveCheckMs = 60'000;
constexpr std::string_view kDefaultVolumeDriver = "local";
constexpr std::string_view kDefaultHost = "unix:///run/davit.sock";

sigset_t awaitedSignals() {
    sigset_t signals;
    ::sigemptyset(&signals);
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&signals, number);
    return signals;
}

/// Descriptors are what a daemon with many containers runs out of first.
void raiseDescriptorLimit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &limit);  // up to the hard limit it is always permitted
}

void setOomScore(int score) {
    try {
        const UniqueFd file = openFile("/proc/self/oom_score_adj", O_WRONLY);
        writeAll(file.get(), std::to_string(score));
    } catch (const Error& failure) {  // lowering it takes a privilege that not every host gives
        log::debug("oom score: {}", failure.text());
    }
}

/// Several daemons on one host must not share a control group.
std::string cgroupParent(const engine::EngineOptions& options) {
    if (!options.cgroup_parent.empty()) return options.cgroup_parent;
    if (options.exec_root == kDefaultExecRoot) return "davit";
    return "davit-" + std::string(oci::digestHex(oci::sha256(options.data_root.string())).substr(0, 8));
}

/// A daemon that was killed a moment ago may still be ending: its lock gets a little time to go.
FileLock lockRoot(const std::filesystem::path& directory, SteadyTime deadline) {
    std::optional<FileLock> lock = FileLock::tryAcquire(directory / "davitd.lock");
    while (!lock && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        lock = FileLock::tryAcquire(directory / "davitd.lock");
    }
    if (!lock) throw error(Code::conflict, "{} is in use by another davitd", directory.string());
    return std::move(*lock);
}

engine::EngineOptions engineOptions(const DaemonConfig& config, const Places& places) {
    engine::EngineOptions options = config.engine;
    options.shim = places.shim;
    if (options.init.empty()) options.init = places.init;
    options.cgroup_parent = cgroupParent(options);
    return options;
}

network::ControllerOptions networkOptions(const DaemonConfig& config, const Places& places) {
    return {.exec_root = config.engine.exec_root,
            .default_driver = "bridge",
            .default_ipam_driver = "default",
            .resolver = places.resolver,
            .default_options = config.network.default_network_opts,
            .prepared = config.engine.prepared_starts,
            .standard = standardNetwork(config)};
}

std::vector<state::Schema> schemas() {
    std::vector<state::Schema> all = engine::Engine::schemas();
    all.insert(all.begin(), image::LayerStore::schema());
    all.push_back(network::NetworkController::schema());
    all.push_back(volume::VolumeController::schema());
    return all;
}

plugin::RegistryOptions registryOptions(const DaemonConfig& config, const Places& places) {
    plugin::RegistryOptions options;
    options.plugin_directories = {places.plugins};
    options.plugin_directories.insert(options.plugin_directories.end(), config.plugin_directories.begin(),
                                      config.plugin_directories.end());
    options.own_directories = config.engine.isolation == "process" ? 0 : 1;
    options.host_binary = places.plugin_host;
    options.run_directory = config.engine.exec_root / "drivers";
    options.state_directory = config.engine.data_root / "drivers";
    options.sections = driverSections(config);
    options.engine_version = engine::kVersion;
    options.log = [](log::Level level, std::string_view text) { log::write(level, text); };
    return options;
}

}  // namespace

void blockSignals() {
    const sigset_t signals = awaitedSignals();
    check(::sigprocmask(SIG_BLOCK, &signals, nullptr), "block signals");
    (void)::signal(SIGPIPE, SIG_IGN);  // can't fail for this signal
    // Few arenas: an idle daemon's memory matters more than malloc's contention.
    (void)::mallopt(M_ARENA_MAX, 4);
}

void applyLogLevel(const DaemonConfig& config) {
    using log::Level;
    log::setLevel(config.engine.debug || config.log_level == "debug" ? Level::debug
                  : config.log_level == "info"                       ? Level::info
                  : config.log_level == "warn"                       ? Level::warning
                                                                     : Level::error);
}

struct Daemon::Impl {
    explicit Impl(DaemonConfig given) : config(std::move(given)) {}

    void open();
    void openStores();
    void listen();
    void reload(const std::function<DaemonConfig()>& reread);
    void stop();

    DaemonConfig config;
    Places places = findPlaces();
    std::optional<FileLock> data_lock;
    std::optional<FileLock> exec_lock;
    std::unique_ptr<state::DiskReserve> reserve;
    std::unique_ptr<state::Database> database;
    std::unique_ptr<plugin::DriverRegistry> drivers;
    StorageChoice storage;
    std::unique_ptr<image::LayerStore> layers;
    std::unique_ptr<image::ImageStore> images;
    std::unique_ptr<engine::NetworkDrivers> network_drivers;
    std::unique_ptr<network::NetworkController> networks;
    std::unique_ptr<engine::VolumeDrivers> volume_drivers;
    std::unique_ptr<volume::VolumeController> volumes;
    std::unique_ptr<engine::Engine> engine;
    std::unique_ptr<api::ApiServer> api;
    std::filesystem::path pidfile;
};

void Daemon::Impl::open() {
    const engine::EngineOptions options = engineOptions(config, places);
    makeDirectories(options.data_root, 0710);
    makeDirectories(options.exec_root, 0700);
    const SteadyTime deadline = std::chrono::steady_clock::now() + kLockPatience;
    data_lock = lockRoot(options.data_root, deadline);
    exec_lock = lockRoot(options.exec_root, deadline);
    pidfile = config.pidfile.empty() ? options.exec_root / "davitd.pid" : config.pidfile;
    writeFileAtomically(pidfile, std::to_string(::getpid()), 0644);
    raiseDescriptorLimit();
    setOomScore(config.oom_score_adjust);
    openStores();
    engine = std::make_unique<engine::Engine>(
        options, engine::EngineParts{*database, *layers, *images, *drivers, storage.name, *networks, *volumes});
    engine->restore();
    if (image::loadDefaultImage(*images)) log::info("loaded the image {}", image::kDefaultImageName);
    reserve->ensure();
}

void Daemon::Impl::openStores() {
    const std::filesystem::path& root = config.engine.data_root;
    makeDirectories(root / "containers", 0710);
    reserve = std::make_unique<state::DiskReserve>(root / "reserve");
    reserve->releaseIfFull();
    database = std::make_unique<state::Database>(state::DatabaseOptions{
        .path = root / "state.db",
        .schemas = schemas(),
        .make_space = [this] { return reserve->release(); },
        .may_grow = [this] { return reserve->ensure() || reserve->roomToGrow(); }});
    if (database->quarantined())
        log::error("the state database was damaged; it was moved to {}", database->quarantined()->string());
    drivers = std::make_unique<plugin::DriverRegistry>(registryOptions(config, places));
    engine::ContainerRows rows(*database);
    const std::optional<std::string> existing = rows.fact("storage_driver");
    storage = chooseStorage(*drivers, {.configured = config.storage_driver,
                                       .existing = existing,
                                       .directory = root / "storage",
                                       .options = config.storage_opts});
    if (!existing) rows.setFact("storage_driver", storage.name);
    layers = std::make_unique<image::LayerStore>(*database, *storage.driver, root / "layers", storage.home);
    images = std::make_unique<image::ImageStore>(*database, *layers, root / "images");
    for (const std::string& why : images->damaged()) log::error("image {}", why);
    network_drivers = std::make_unique<engine::NetworkDrivers>(*drivers);
    networks = std::make_unique<network::NetworkController>(networkOptions(config, places), *database, *network_drivers);
    volume_drivers = std::make_unique<engine::VolumeDrivers>(*drivers);
    volumes = std::make_unique<volume::VolumeController>(volume::ControllerOptions{.default_driver = std::string(kDefaultVolumeDriver)},
                                                         *database, *volume_drivers);
}

void Daemon::Impl::listen() {
    api = std::make_unique<api::ApiServer>(*engine);
    const api::HostOptions options{.tls = config.tls || config.tls_verify,
                                   .tls_verify = config.tls_verify,
                                   .tls_files = {config.tls_ca, config.tls_cert, config.tls_key},
                                   .group = config.group};
    std::vector<std::string> hosts = config.hosts;
    if (hosts.empty()) hosts.emplace_back(kDefaultHost);
    for (const std::string& host : hosts)
        for (http::Listener& listener : api::openHost(host, options)) api->listen(std::move(listener));
    api->start();
}

void Daemon::Impl::reload(const std::function<DaemonConfig()>& reread) {
    try {
        const DaemonConfig fresh = reread();
        applyLogLevel(fresh);
        engine->reload(fresh.engine);
        drivers->rescan();
        log::info("configuration reloaded");
    } catch (const Error& failure) {  // the old one stays in force
        log::error("configuration not reloaded: {}", failure.text());
    }
}

void Daemon::Impl::stop() {
    notifySupervisor("STOPPING=1");
    api->stop(kApiGrace);
    engine->shutdown();
    storage.driver->cleanup();
    (void)::unlink(pidfile.c_str());  // only a courtesy: the lock is what counts
}

Daemon::Daemon(DaemonConfig config) : impl_(std::make_unique<Impl>(std::move(config))) {
    impl_->open();
    impl_->listen();
    (void)::malloc_trim(0);  // what only the start needed
}

Daemon::~Daemon() = default;

void Daemon::run(const std::function<DaemonConfig()>& reread) {
    const sigset_t awaited = awaitedSignals();
    const UniqueFd signals(check(::signalfd(-1, &awaited, SFD_CLOEXEC), "create signalfd"));
    log::info("Daemon has completed initialization");
    notifySupervisor("READY=1");
    signalfd_siginfo info{};
    while (true) {
        pollfd waited{signals.get(), POLLIN, 0};
        if (::poll(&waited, 1, kReserveCheckMs) == 0) {
            impl_->reserve->ensure();  // taken again once there is room
            continue;
        }
        if (::read(signals.get(), &info, sizeof info) != sizeof info) break;
        if (info.ssi_signo == SIGHUP) {
            impl_->reload(reread);
            continue;
        }
        log::info("Processing signal '{}'", ::strsignal(static_cast<int>(info.ssi_signo)));
        break;
    }
    std::thread([fd = ::dup(signals.get())] {
        int count = 1;
        signalfd_siginfo further{};
        while (::read(fd, &further, sizeof further) == sizeof further)
            if (further.ssi_signo != SIGHUP && ++count >= kSignalsThatForce) ::_exit(1);
    }).detach();
    impl_->stop();
}

}  // namespace davit::app
