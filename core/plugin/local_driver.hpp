// LocalDriver: one driver of one version of a .so, in this process or in one of its own. Opened when it is first needed.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/log.hpp"
#include "base/thread_annotations.hpp"
#include "plugin/call_trace.hpp"
#include "plugin/driver_info.hpp"
#include "plugin/host_process.hpp"
#include "plugin/plugin_files.hpp"
#include "plugin/transport.hpp"

namespace davit::plugin {

/// What all drivers of a registry share.
struct LocalDriverHost {
    std::filesystem::path host_binary;
    std::filesystem::path run_directory;
    std::filesystem::path state_directory;  ///< of all drivers: each gets KIND/NAME below it; empty: none
    std::string engine_version;
    std::function<void(log::Level, std::string_view)> log;
    std::shared_ptr<CallTrace> trace{};  ///< of their calls; nullptr: none
};

/// Any thread, concurrently. Objects that proxy() returned live on after it.
class LocalDriver : public std::enable_shared_from_this<LocalDriver> {
  public:
    struct Settings {
        Isolation isolation = Isolation::in_process;
        std::string config_json = "{}";
    };
    LocalDriver(std::shared_ptr<const PluginFile> file, ProbedDriver driver, Settings settings,
                std::shared_ptr<const LocalDriverHost> host);

    [[nodiscard]] DriverKind kind() const noexcept { return driver_.kind; }
    [[nodiscard]] const std::string& name() const noexcept { return driver_.name; }
    [[nodiscard]] const std::shared_ptr<const PluginFile>& file() const noexcept { return file_; }

    /// The interface of its kind (a std::shared_ptr<StorageDriver> and so on, by kind()), opening the driver if need be.
    /// Throws what loading and opening throw; the next call tries again.
    [[nodiscard]] std::shared_ptr<void> proxy();

    [[nodiscard]] DriverInfo describe() const;

  private:
    std::shared_ptr<Transport> open();
    std::shared_ptr<Transport> openInProcess() const;
    [[nodiscard]] std::filesystem::path stateDirectory() const;
    void set(DriverState state, std::string reason);
    void noteSuitability(const std::string& unsuitable_why);

    const std::shared_ptr<const PluginFile> file_;
    const ProbedDriver driver_;
    const Settings settings_;
    const std::shared_ptr<const LocalDriverHost> host_;
    Mutex opening_;  ///< held while the driver opens: others wait for it
    std::shared_ptr<void> proxy_ DAVIT_GUARDED_BY(opening_);
    mutable Mutex mutex_;
    DriverState state_ DAVIT_GUARDED_BY(mutex_) = DriverState::available;
    std::string reason_ DAVIT_GUARDED_BY(mutex_);
    std::shared_ptr<HostProcess> process_ DAVIT_GUARDED_BY(mutex_);
};

/// Makes the proxy of a kind over a transport: a std::shared_ptr<StorageDriver> and so on, by `kind`.
[[nodiscard]] std::shared_ptr<void> makeProxy(DriverKind kind, std::shared_ptr<Transport> transport,
                                              std::function<void(const std::string&)> note_suitability = {});

}  // namespace davit::plugin
