// DriverRegistry: from a driver's name to an object that implements its interface, whatever it is and wherever it runs.
//
//     plugin::DriverRegistry drivers({.plugin_directories = {"/usr/lib/davit/plugins"},
//                                     .host_binary = "/usr/libexec/davit/davit-plugin-host",
//                                     .run_directory = "/run/davit/plugins-own"});
//     std::shared_ptr<StorageDriver> storage = drivers.storage("overlay2");
//
// Where a name is looked for: the .so files of the plugin directories, then the servers of Docker's legacy discovery order
// (davit's directories before Docker's). The core never compares names; what a driver can do it says in its capabilities.
//
// A .so is checked (regular, inside a configured directory, owned by root or by this process's user, not writable by group
// or others), probed in a child process, and opened on first use. A newer file under the same name makes a new generation:
// the next call of storage() and so on returns the new one; objects that were handed out keep the old one until they are
// dropped. A removed file stops being offered.
//
// Threads: every method from any thread. Objects returned may be used from any thread, concurrently, and outlive the
// registry's other state but not the registry itself. Calls of drivers made through them carry deadlines.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"
#include "driver/ipam_driver.hpp"
#include "driver/network_driver.hpp"
#include "driver/storage_driver.hpp"
#include "driver/volume_driver.hpp"
#include "plugin/call_trace.hpp"
#include "plugin/discovery.hpp"
#include "plugin/driver_info.hpp"
#include "plugin/managed_server.hpp"

namespace davit::plugin {

/// The host's section for one driver.
struct DriverSection {
    std::optional<Isolation> isolation;  ///< in_process or own_process; unset: see RegistryOptions::own_directories
    std::string config_json = "{}";      ///< given to the driver when it is opened
};

struct RegistryOptions {
    /// Directories of .so files; earlier ones win when two files offer the same driver.
    std::vector<std::filesystem::path> plugin_directories;
    /// How many of them, from the front, hold davit's own drivers: those run in process by default, all others in a
    /// process of their own.
    std::size_t own_directories = 1;
    std::filesystem::path host_binary;    ///< davit-plugin-host
    std::filesystem::path run_directory;  ///< made with mode 0700: sockets of driver processes
    /// Where drivers keep what they must know after a restart, each in KIND/NAME below it; empty: nowhere.
    std::filesystem::path state_directory;
    std::map<std::string, DriverSection, std::less<>> sections;  ///< by driver name
    DiscoveryPaths discovery;
    std::string engine_version;
    /// Receives the drivers' log lines and the registry's own; any thread.
    std::function<void(log::Level, std::string_view)> log;
    /// How long a request waits for a driver that isn't there and is expected (Docker's clients count on plugins that start
    /// late): its server's file has been seen, or something needs it, see expect(). 0: not at all.
    std::chrono::milliseconds appear_timeout{15000};
    /// The same for a name that nobody has heard of: the directories are watched, so this is for what starts right now.
    std::chrono::milliseconds unknown_timeout{1000};
    /// Of asking all servers what they are, together.
    std::chrono::milliseconds enumerate_timeout{2000};
};

class DriverRegistry {
  public:
    /// Scans once. Throws Error when run_directory can't be made; a bad plugin is an entry of list(), not an error.
    explicit DriverRegistry(RegistryOptions options);
    DriverRegistry(const DriverRegistry&) = delete;
    DriverRegistry& operator=(const DriverRegistry&) = delete;
    /// Stops the driver processes.
    ~DriverRegistry();

    // Each throws Error{not_found} `plugin "NAME" not found` when there is no such driver of that kind, Error{unavailable}
    // when it doesn't answer, and the driver's own error when it refuses to open (Error{unimplemented}: not for this host).
    [[nodiscard]] std::shared_ptr<StorageDriver> storage(std::string_view name);
    [[nodiscard]] std::shared_ptr<NetworkDriver> network(std::string_view name);
    [[nodiscard]] std::shared_ptr<IpamDriver> ipam(std::string_view name);
    [[nodiscard]] std::shared_ptr<VolumeDriver> volume(std::string_view name);

    /// As volume(), without patience: one attempt, for at most enumerate_timeout. Null when it turns out to be of other kinds only.
    [[nodiscard]] std::shared_ptr<VolumeDriver> volumeNow(std::string_view name);

    /// Whether the driver is one of davit's own: from the own_directories.
    [[nodiscard]] bool isOwn(DriverKind kind, std::string_view name) const;
    /// The usable drivers that aren't: from other directories, and servers that announced the kind or haven't been asked yet. Asks
    /// none of them.
    [[nodiscard]] std::vector<std::string> others(DriverKind kind) const;

    /// A plugin that the daemon runs itself, under its name, its name without the tag "latest", and its id. Only davit's own drivers come
    /// before them: nobody takes the name "local" away. Its storage drivers aren't offered. One that isn't enabled is Error{conflict} `plugin x found but disabled`. Replaces
    /// what was said of that id.
    void setManaged(ManagedServer server);
    void removeManaged(const std::string& id);
    /// The name under which a driver is kept: of a managed plugin with its tag, else as it is.
    [[nodiscard]] std::string canonicalName(DriverKind kind, std::string_view name) const;

    /// Something here needs the driver of that name: it is waited for, though its server may never have been seen.
    void expect(std::string_view name);

    /// Listens to the calls of a driver, or of all drivers of a plugin, by the names that list() shows and those of setManaged(); of
    /// one kind, or of all. Later versions of the plugin and servers that are started again are listened to as well. Throws
    /// Error{not_found} when nobody has that name.
    [[nodiscard]] std::unique_ptr<TraceListener> trace(std::string_view name, std::optional<DriverKind> kind = std::nullopt);

    /// Everything known, sorted by kind and name. Doesn't call any driver and never blocks on one.
    [[nodiscard]] std::vector<DriverInfo> list() const;
    /// Names of the usable drivers of a kind. Asks servers that haven't been asked yet what they are, all at once, for at
    /// most enumerate_timeout.
    [[nodiscard]] std::vector<std::string> names(DriverKind kind);
    /// Reads the plugin directories again. Called by itself when a directory changes.
    void rescan();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace davit::plugin
