#include "plugin/local_driver.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "plugin/call_tap.hpp"
#include "plugin/foreign_server.hpp"
#include "plugin/in_process_transport.hpp"
#include "plugin/remote_ipam_driver.hpp"
#include "plugin/remote_network_driver.hpp"
#include "plugin/remote_storage_driver.hpp"
#include "plugin/remote_volume_driver.hpp"

namespace davit::plugin {
namespace {

using namespace std::chrono_literals;

// How long a call waits for its driver's process to come back; the pause between two lives is at most ten seconds.
constexpr std::chrono::milliseconds kProcessTimeout = 15s;

constexpr std::chrono::milliseconds kDyingTimeout = 500ms;

// HTTP to a process that this registry supervises.
class IsolatedTransport final : public Transport {
  public:
    explicit IsolatedTransport(std::shared_ptr<HostProcess> process)
        : process_(std::move(process)), http_(unixAddress(process_->socket())) {}

    std::string call(const Call& call) override {
        const pid_t pid = process_->waitReady(std::min(call.timeout, kProcessTimeout));
        try {
            return callWithReconnect(http_, call, kProcessTimeout);
        } catch (const Error& e) {
            // A dying process still accepts connections for a moment.
            if (e.code() == Code::unavailable) process_->awaitEndOf(pid, kDyingTimeout);
            throw;
        }
    }

  private:
    std::shared_ptr<HostProcess> process_;
    HttpTransport http_;
};

std::string fileName(std::string_view name, int generation) {
    return fmt::format("{}-{}.sock", pathComponent(name), generation);
}

}  // namespace

std::shared_ptr<void> makeProxy(DriverKind kind, std::shared_ptr<Transport> transport,
                                std::function<void(const std::string&)> note_suitability) {
    switch (kind) {
        case DriverKind::storage:
            return std::shared_ptr<StorageDriver>(
                std::make_shared<RemoteStorageDriver>(std::move(transport), std::move(note_suitability)));
        case DriverKind::network:
            return std::shared_ptr<NetworkDriver>(std::make_shared<RemoteNetworkDriver>(std::move(transport)));
        case DriverKind::ipam:
            return std::shared_ptr<IpamDriver>(std::make_shared<RemoteIpamDriver>(std::move(transport)));
        case DriverKind::volume:
            return std::shared_ptr<VolumeDriver>(std::make_shared<RemoteVolumeDriver>(std::move(transport)));
    }
    throw Error(Code::invalid, "unknown driver kind");
}

LocalDriver::LocalDriver(std::shared_ptr<const PluginFile> file, ProbedDriver driver, Settings settings,
                         std::shared_ptr<const LocalDriverHost> host)
    : file_(std::move(file)), driver_(std::move(driver)), settings_(std::move(settings)), host_(std::move(host)) {}

std::shared_ptr<void> LocalDriver::proxy() {
    const Lock lock(opening_);
    if (proxy_) return proxy_;
    try {
        auto opened = open();
        auto transport = std::make_shared<TracedTransport>(std::move(opened), CallTap(host_->trace, describe()));
        proxy_ = makeProxy(driver_.kind, std::move(transport), [weak = weak_from_this()](const std::string& unsuitable_why) {
            if (const auto self = weak.lock()) self->noteSuitability(unsuitable_why);
        });
        set(DriverState::loaded, {});
    } catch (const Error& e) {
        set(e.code() == Code::unimplemented ? DriverState::skipped : DriverState::failed, e.text());
        throw;
    }
    return proxy_;
}

std::shared_ptr<Transport> LocalDriver::open() {
    if (settings_.isolation == Isolation::in_process) return openInProcess();
    const std::string prefix = fmt::format("{}-{}", kindName(driver_.kind), driver_.name);
    auto process = std::make_shared<HostProcess>(
        HostProcessOptions{.host_binary = host_->host_binary,
                           .file = file_->file,
                           .socket = host_->run_directory / fileName(prefix, file_->generation),
                           .driver = driver_.name,
                           .config_json = settings_.config_json,
                           .log = host_->log,
                           .state_directory = stateDirectory()});
    process->waitReady(kProcessTimeout);
    {
        const Lock lock(mutex_);
        process_ = process;
    }
    return std::make_shared<IsolatedTransport>(std::move(process));
}

std::shared_ptr<Transport> LocalDriver::openInProcess() const {
    const davit_plugin& plugin = loadPlugin(file_->file);
    for (const davit_driver* const* driver = plugin.drivers; *driver != nullptr; ++driver) {
        if ((*driver)->kind != static_cast<std::int32_t>(driver_.kind) || driver_.name != (*driver)->name) continue;
        return std::make_shared<InProcessTransport>(
            **driver, OpenOptions{.config_json = settings_.config_json,
                                  .engine_version = host_->engine_version,
                                  .log = host_->log,
                                  .state_directory = stateDirectory()});
    }
    throw error(Code::not_found, "{}: no driver \"{}\"", file_->file.native(), driver_.name);
}

std::filesystem::path LocalDriver::stateDirectory() const {
    if (host_->state_directory.empty()) return {};
    return host_->state_directory / kindName(driver_.kind) / pathComponent(driver_.name);
}

DriverInfo LocalDriver::describe() const {
    DriverInfo info{.kind = driver_.kind,
                    .name = driver_.name,
                    .description = driver_.description,
                    .plugin = file_->plugin ? file_->plugin->name : std::string(),
                    .version = file_->plugin ? file_->plugin->version : std::string(),
                    .file = file_->file.native(),
                    .transport = "in-process",
                    .isolation = settings_.isolation,
                    .reason = {},
                    .generation = file_->generation};
    const Lock lock(mutex_);
    info.state = state_;
    info.reason = reason_;
    if (process_) {
        info.transport = "unix://" + process_->socket().native();
        if (state_ == DriverState::loaded && process_->state() != DriverState::loaded) {
            info.state = process_->state();
            info.reason = process_->reason();
        }
    } else if (settings_.isolation == Isolation::own_process) {
        info.transport = "unix";
    }
    return info;
}

void LocalDriver::set(DriverState state, std::string reason) {
    const Lock lock(mutex_);
    state_ = state;
    reason_ = std::move(reason);
}

void LocalDriver::noteSuitability(const std::string& unsuitable_why) {
    set(unsuitable_why.empty() ? DriverState::loaded : DriverState::skipped, unsuitable_why);
}

}  // namespace davit::plugin
