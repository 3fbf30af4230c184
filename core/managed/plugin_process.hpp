// PluginProcess: a managed plugin's program, run by davit's own runtime like a container: from its folder, with Docker's default posture
// and what its configuration adds to that. Its shim lets it outlive the daemon.
//
//     <exec-root>/managed/<id>/     the shim's files
//     <exec-root>/plugins/<half of the id>/   /run/docker/plugins of the program: here its socket appears
//
// Threads: any, one operation at a time; events as ShimEvents says.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "managed/plugin_settings.hpp"
#include "runtime/shim_client.hpp"

namespace davit::managed {

/// Where a plugin's things are, and how it is run.
struct PluginPlace {
    std::string id;
    std::filesystem::path directory;  ///< rootfs/, propagated-mount/
    std::filesystem::path run_dir;
    std::filesystem::path socket_dir;
    std::string cgroup_parent;
};

class PluginProcess {
  public:
    using Exited = std::function<void(const runtime::ExitInfo&)>;

    /// Starts it. Throws StartError when the program can't be run.
    [[nodiscard]] static std::unique_ptr<PluginProcess> start(runtime::ShimMonitor& monitor, const PluginPlace& place,
                                                              const PluginConfig& config, const PluginSettings& settings, Exited exited);
    /// The one that an earlier daemon started; null when it doesn't run any more, and then nothing of it is left.
    [[nodiscard]] static std::unique_ptr<PluginProcess> takeUp(runtime::ShimMonitor& monitor, const PluginPlace& place, Exited exited);
    /// Ends whatever of it there may be.
    static void cleanUp(const PluginPlace& place);

    PluginProcess(const PluginProcess&) = delete;
    PluginProcess& operator=(const PluginProcess&) = delete;
    /// Lets it run on.
    ~PluginProcess();

    [[nodiscard]] pid_t pid() const noexcept { return shim_->pid(); }
    void signal(int number);
    /// Waits for the end of the shim; the program has ended.
    void release();

  private:
    PluginProcess(std::string id, std::shared_ptr<runtime::Shim> shim) : id_(std::move(id)), shim_(std::move(shim)) {}
    /// Its output becomes lines of the daemon's log.
    [[nodiscard]] static runtime::Attachment listen(const std::string& id, std::thread& reader);

    std::string id_;
    std::shared_ptr<runtime::Shim> shim_;
    std::thread reader_;  ///< ends with the output
};

/// The specification that the program is run with; for start() and tests.
[[nodiscard]] oci::RuntimeSpec pluginSpec(const PluginPlace& place, const PluginConfig& config, const PluginSettings& settings);

/// Makes the directory a shared mount of its own: what the plugin mounts below it is seen here. Idempotent.
void shareMounts(const std::filesystem::path& directory);
void unshareMounts(const std::filesystem::path& directory) noexcept;

}  // namespace davit::managed
