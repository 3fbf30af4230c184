// ManagedPlugins: plugins that the daemon itself runs ("plugin v2"): folders with a config.json and a root file system, started by davit's
// own runtime, watched, and known to the registry of drivers under their names.
//
//     <data-root>/plugins/<id>/config.json        what it is
//     <data-root>/plugins/<id>/rootfs/            its root
//     <data-root>/plugins/<id>/propagated-mount/  what it mounts for others
//     <data-root>/plugins/.new-…                  one that is being made
//
// A row says that a plugin exists: it is written when the folder is whole and removed before the folder goes, so a kill leaves a whole
// plugin or a folder that the next start removes. An enabled plugin's program outlives a killed daemon and is taken up again; one that ends is
// started anew, with growing pauses.
//
// Threads: any; operations on one plugin follow each other. Database, registry and monitor outlive it.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/byte_stream.hpp"
#include "base/thread_annotations.hpp"
#include "managed/plugin_process.hpp"
#include "managed/plugin_rows.hpp"
#include "plugin/registry.hpp"

namespace davit::managed {

struct ManagedOptions {
    std::filesystem::path data_root;
    std::filesystem::path exec_root;
    std::string cgroup_parent;
    std::chrono::milliseconds stop_timeout{10000};   ///< between SIGTERM and SIGKILL
    std::chrono::milliseconds ready_timeout{10000};  ///< for the socket to be there after enable()
    std::chrono::milliseconds restore_timeout{3000};  ///< for those of all that restore() starts, together
};

/// What is shown of a plugin. Values.
struct Plugin {
    std::string id;
    std::string name;  ///< with its tag
    bool enabled = false;
    PluginConfig config;
    PluginSettings settings;
};

class ManagedPlugins {
  public:
    [[nodiscard]] static state::Schema schema();

    ManagedPlugins(ManagedOptions options, state::Database& database, plugin::DriverRegistry& registry, runtime::ShimMonitor& monitor);
    ManagedPlugins(const ManagedPlugins&) = delete;
    ManagedPlugins& operator=(const ManagedPlugins&) = delete;
    /// The programs go on.
    ~ManagedPlugins();

    /// Whether something was made with the driver of that name: such a plugin isn't disabled or removed without force. Set once.
    void setUsers(std::function<bool(const Plugin&)> users) { users_ = std::move(users); }
    /// Reads the rows, takes up the programs that run and starts the others; what fails is that plugin's fault. Before containers.
    void restore();
    /// Ends the supervision; the programs go on.
    void stop();
    /// After stop(): ends the programs, all at once, each within twice the stop_timeout. They stay enabled: restore() starts them.
    void endPrograms();

    /// By name.
    [[nodiscard]] std::vector<Plugin> list() const;
    /// By name, name without ":latest", id or its beginning. Throws Error{not_found} `plugin "x" not found`, {invalid} for the beginning of
    /// several ids.
    [[nodiscard]] Plugin inspect(const std::string& ref) const;
    /// From a tar of config.json and rootfs/. Throws Error{conflict} "plugin x already exists", {invalid} as pluginName() and for
    /// what is no plugin; then nothing of it is left.
    Plugin create(const std::string& name, ByteSource& tar);
    /// Returns when it answers at its socket. A failure leaves it disabled.
    Plugin enable(const std::string& ref, std::chrono::seconds timeout);
    Plugin disable(const std::string& ref, bool force);
    void set(const std::string& ref, const Strings& assignments);
    Plugin remove(const std::string& ref, bool force);

  private:
    /// What callbacks of the monitor go through: they may come when this object is gone.
    struct Gate {
        Mutex mutex;
        ManagedPlugins* owner = nullptr;
    };
    struct Entry;
    using EntryPtr = std::shared_ptr<Entry>;

    [[nodiscard]] EntryPtr find(const std::string& ref) const DAVIT_EXCLUDES(mutex_);
    /// Throws what forbids to enable, disable or set it. The caller holds the operation.
    static void refuseGone(const Entry& entry, const std::string& ref);
    [[nodiscard]] EntryPtr byName(const std::string& name) const DAVIT_REQUIRES(mutex_);
    [[nodiscard]] PluginPlace placeOf(const std::string& id) const;
    [[nodiscard]] PluginRow rowOf(const Plugin& plugin, std::chrono::seconds timeout) const;
    /// In the database first: what is said here is kept. The caller holds the operation.
    void change(Entry& entry, Plugin plugin, std::chrono::seconds timeout) DAVIT_EXCLUDES(mutex_);
    void publish(const Entry& entry);
    void refuseUse(const Plugin& plugin, bool force) const;

    // managed_supervision.cpp; where nothing else is said the caller holds the entry's operation.
    /// From now on its end may be reported.
    void expectProgram(Entry& entry) DAVIT_EXCLUDES(mutex_);
    void run(const EntryPtr& entry) DAVIT_EXCLUDES(mutex_);
    void awaitSocket(const EntryPtr& entry, std::chrono::steady_clock::time_point until) DAVIT_EXCLUDES(mutex_);
    /// Ends the program, if there is one, and removes what its runs leave.
    void end(const EntryPtr& entry) DAVIT_EXCLUDES(mutex_);
    static void cleanUp(const PluginPlace& place);
    [[nodiscard]] PluginProcess::Exited onExit(const EntryPtr& entry) const;
    void exited(const std::weak_ptr<Entry>& weak, std::uint64_t life, const runtime::ExitInfo& exit) DAVIT_EXCLUDES(mutex_);  ///< nobody holds it
    /// If it is to run at all.
    void restartLater(const EntryPtr& entry) DAVIT_REQUIRES(mutex_);
    void restart(const EntryPtr& entry) DAVIT_EXCLUDES(mutex_);  ///< takes the operation
    void supervise() DAVIT_EXCLUDES(mutex_);

    // managed_restore.cpp
    /// Returns it when its program was started and will listen.
    EntryPtr restoreOne(const PluginRow& row);
    void removeUnknownFolders();

    const ManagedOptions options_;
    PluginRows rows_;
    plugin::DriverRegistry& registry_;
    runtime::ShimMonitor& monitor_;
    std::function<bool(const Plugin&)> users_;
    const std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();
    mutable Mutex mutex_;
    Condition changed_;
    std::map<std::string, EntryPtr> entries_ DAVIT_GUARDED_BY(mutex_);  ///< by id
    std::multimap<std::chrono::steady_clock::time_point, std::weak_ptr<Entry>> restarts_ DAVIT_GUARDED_BY(mutex_);
    bool stopping_ DAVIT_GUARDED_BY(mutex_) = false;
    std::thread supervisor_;  ///< from the first plugin that is enabled on
};

}  // namespace davit::managed
