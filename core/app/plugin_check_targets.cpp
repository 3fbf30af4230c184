#include "plugin_check_targets.hpp"

#include <fmt/core.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>

#include "base/check.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "conformance/other_suites.hpp"
#include "conformance/storage_suite.hpp"
#include "plugin/foreign_server.hpp"
#include "plugin/host_process.hpp"
#include "plugin/in_process_transport.hpp"
#include "plugin/loader.hpp"
#include "plugin/local_driver.hpp"

namespace davit::plugin_check {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using plugin::Transport;

// A driver behind one transport, with the means to kill it where there are any.
struct Session {
    DriverKind kind = DriverKind::volume;
    std::string title;
    std::shared_ptr<Transport> transport;
    std::shared_ptr<plugin::HostProcess> process;
};

class ProcessTransport final : public Transport {
  public:
    explicit ProcessTransport(std::shared_ptr<plugin::HostProcess> process)
        : process_(std::move(process)), http_(plugin::unixAddress(process_->socket())) {}
    std::string call(const plugin::Call& call) override {
        (void)process_->waitReady(15s);
        return plugin::callWithReconnect(http_, call, 15s);
    }

  private:
    std::shared_ptr<plugin::HostProcess> process_;
    plugin::HttpTransport http_;
};

void report(const conformance::Result& result, Totals& totals, const Progress& progress) {
    using conformance::Outcome;
    const char* word = result.outcome == Outcome::kept ? "kept   " : result.outcome == Outcome::broken ? "BROKEN " : "skipped";
    fmt::print("  {} {:<24} {}\n", word, result.name, result.sentence);
    if (!result.message.empty()) fmt::print("          {:<24} {}\n", "", result.message);
    std::fflush(stdout);
    int& count = result.outcome == Outcome::kept     ? totals.kept
                 : result.outcome == Outcome::broken ? totals.broken
                                                     : totals.skipped;
    ++count;
    progress.tell(result.outcome == Outcome::kept ? "kept" : result.outcome == Outcome::broken ? "broken" : "skipped");
}

template <class Target>
void runRules(const conformance::Rules<Target>& rules, Target& target, const Options& options, Totals& totals, Progress& progress) {
    for (const auto& rule : rules) {
        if ((!options.rule.empty() && rule.name != options.rule) || !progress.beginRule(rule.name)) continue;
        conformance::run<Target>({rule}, target, {}, [&](const conformance::Result& result) { report(result, totals, progress); });
    }
}

/// False: it has been checked by an earlier process.
bool begin(const std::string& title, Progress& progress) {
    if (!progress.beginSession(title)) return false;
    fmt::print("{}\n", title);
    std::fflush(stdout);
    return true;
}

void killProcess(plugin::HostProcess& process) {
    const pid_t pid = process.waitReady(15s);
    (void)::kill(pid, SIGKILL);  // gone already: just as well
    process.awaitEndOf(pid, 5s);
}

void checkStorage(const Session& session, std::shared_ptr<StorageDriver> driver, const Options& options, Totals& totals,
                  Progress& progress) {
    const TempDir scratch(options.home.empty() ? "/var/tmp" : options.home, "davit-check-");
    conformance::StorageTarget target{.driver = driver,
                                      .init = {.home = (scratch.path() / "home").native(),
                                               .options = options.driver_options,
                                               .uid_maps = {},
                                               .gid_maps = {}},
                                      .scratch = scratch.path() / "scratch",
                                      .kill_and_restart = {},
                                      .kill = {}};
    fs::create_directories(target.scratch);
    const std::string unsuitable = driver->capabilities(target.init.home).unsuitable_why;
    if (!unsuitable.empty()) {
        fmt::print("  not for this host: {}\n", unsuitable);
        ++totals.skipped;
        progress.tell("skipped");
        return;
    }
    driver->init(target.init);
    if (session.process) {
        target.kill = [process = session.process] { killProcess(*process); };
        target.kill_and_restart = [process = session.process, driver, init = target.init] {
            killProcess(*process);
            driver->init(init);
        };
    }
    runRules(conformance::storageRules(), target, options, totals, progress);
    driver->cleanup();
}

std::function<void()> killOf(const Session& session) {
    if (!session.process) return {};
    return [process = session.process] { killProcess(*process); };
}

// --option K=V, of networks and volumes.
std::map<std::string, std::string> optionMap(const Options& options) {
    std::map<std::string, std::string> map;
    for (const std::string& one : options.driver_options) map[one.substr(0, one.find('='))] = one.substr(std::min(one.find('=') + 1, one.size()));
    return map;
}

std::string networkOptions(const Options& options) {
    json::Writer out;
    out.value(optionMap(options));
    return out.take();
}

// Opens and checks; a driver that isn't for this host is no broken one.
template <typename Open>
void checkOpened(const std::string& title, Totals& totals, const Progress& progress, const Open& open) {
    try {
        open();
    } catch (const Error& e) {
        if (e.code() != Code::unimplemented) throw;
        fmt::print("{}\n  skipped: {}\n", title, e.text());
        ++totals.skipped;
        progress.tell("skipped");
    }
}

void checkSession(const Session& session, const Options& options, Totals& totals, Progress& progress) {
    const auto proxy = plugin::makeProxy(session.kind, told(session.transport, progress));
    switch (session.kind) {
        case DriverKind::storage:
            return checkStorage(session, std::static_pointer_cast<StorageDriver>(proxy), options, totals, progress);
        case DriverKind::network: {
            conformance::NetworkTarget target{
                .driver = std::static_pointer_cast<NetworkDriver>(proxy), .options = networkOptions(options), .kill = killOf(session)};
            return runRules(conformance::networkRules(), target, options, totals, progress);
        }
        case DriverKind::ipam: {
            conformance::IpamTarget target{.driver = std::static_pointer_cast<IpamDriver>(proxy), .kill = killOf(session)};
            return runRules(conformance::ipamRules(), target, options, totals, progress);
        }
        case DriverKind::volume: {
            conformance::VolumeTarget target{
                .driver = std::static_pointer_cast<VolumeDriver>(proxy), .options = optionMap(options), .kill = killOf(session)};
            return runRules(conformance::volumeRules(), target, options, totals, progress);
        }
    }
}

void checkInProcess(const davit_driver& driver, const std::string& title, const Options& options, Totals& totals, Progress& progress) {
    if (!begin(title, progress)) return;
    const TempDir state;
    const Session session{.kind = static_cast<DriverKind>(driver.kind),
                          .title = title,
                          .transport = std::make_shared<plugin::InProcessTransport>(
                              driver, plugin::OpenOptions{.config_json = options.config_json, .log = {}, .state_directory = state.path()}),
                          .process = nullptr};
    checkSession(session, options, totals, progress);
}

void checkProcess(const davit_driver& driver, const std::string& title, const fs::path& file, const Options& options,
                  Totals& totals, Progress& progress) {
    if (!begin(title, progress)) return;
    const TempDir sockets, state;
    auto process = std::make_shared<plugin::HostProcess>(
        plugin::HostProcessOptions{.host_binary = fs::read_symlink("/proc/self/exe").parent_path() / "davit-plugin-host",
                                   .file = file,
                                   .socket = sockets.path() / "driver.sock",
                                   .driver = driver.name,
                                   .config_json = options.config_json,
                                   .log = {},
                                   .state_directory = state.path(),
                                   .longest_pause = 20ms});  // its rules kill it again and again
    const Session session{.kind = static_cast<DriverKind>(driver.kind),
                          .title = title,
                          .transport = std::make_shared<ProcessTransport>(process),
                          .process = process};
    (void)process->waitReady(15s);  // a driver that isn't for this host says so now
    checkSession(session, options, totals, progress);
}

void checkObject(const Options& options, Totals& totals, Progress& progress) {
    const fs::path file = fs::absolute(options.target);
    const davit_plugin& plugin = plugin::loadPlugin(file);
    int found = 0;
    for (const davit_driver* const* driver = plugin.drivers; *driver != nullptr; ++driver) {
        if (!options.driver.empty() && options.driver != (*driver)->name) continue;
        ++found;
        const std::string title = fmt::format("{} driver {} of {} {}", plugin::kindName(static_cast<DriverKind>((*driver)->kind)),
                                              (*driver)->name, plugin.name, plugin.version);
        if (options.transport != "process")
            checkOpened(title, totals, progress, [&] { checkInProcess(**driver, title + ", in process", options, totals, progress); });
        if (options.transport != "in-process")
            checkOpened(title, totals, progress,
                        [&] { checkProcess(**driver, title + ", in a process of its own", file, options, totals, progress); });
    }
    if (found == 0) throw error(Code::not_found, "{}: no driver \"{}\"", file.native(), options.driver);
}

void checkServer(const plugin::ServerAddress& address, const Options& options, Totals& totals, Progress& progress) {
    const auto transport = std::make_shared<plugin::HttpTransport>(address);
    const auto interfaces = plugin::askImplements(*transport, address.text(), 10s);
    for (const std::string& interface : interfaces) {
        const auto kind = plugin::kindOfInterface(interface);
        if (!kind) continue;
        const std::string title = fmt::format("{} driver at {}", plugin::kindName(*kind), address.text());
        if (begin(title, progress))
            checkSession({.kind = *kind, .title = title, .transport = transport, .process = nullptr}, options, totals, progress);
    }
}

}  // namespace

void checkAll(const Options& options, Totals& totals, Progress& progress) {
    if (options.transport != "both" && options.transport != "in-process" && options.transport != "process")
        throw error(Code::invalid, "--transport {}: in-process, process or both", options.transport);
    if (options.target.find("://") != std::string::npos) return checkServer(plugin::parseAddress(options.target), options, totals, progress);
    struct stat status {};
    davit::check(::stat(options.target.c_str(), &status), "{}", options.target);
    if (S_ISSOCK(status.st_mode)) return checkServer(plugin::unixAddress(fs::absolute(options.target)), options, totals, progress);
    checkObject(options, totals, progress);
}

}  // namespace davit::plugin_check
