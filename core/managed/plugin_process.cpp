#include "managed/plugin_process.hpp"

#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "base/check.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "runtime/apparmor.hpp"
#include "runtime/spec_builder.hpp"

namespace davit::managed {
namespace fs = std::filesystem;
namespace {

constexpr const char* kSockets = "/run/docker/plugins";

// Lines of the plugin's output, until it closes it.
void logLines(const std::string& id, const UniqueFd& output) {
    std::string pending;
    std::array<char, 4096> buffer{};
    for (ssize_t got = 0; (got = ::read(output.get(), buffer.data(), buffer.size())) > 0;) {
        pending.append(buffer.data(), static_cast<std::size_t>(got));
        for (std::size_t end = pending.find('\n'); end != std::string::npos; end = pending.find('\n')) {
            log::error("plugin={}: {}", id, pending.substr(0, end));  // Docker logs it as errors, too
            pending.erase(0, end + 1);
        }
        if (pending.size() < buffer.size()) continue;
        log::error("plugin={}: {}", id, pending);  // a line of any length, in pieces
        pending.clear();
    }
    if (!pending.empty()) log::error("plugin={}: {}", id, pending);
}

runtime::MountPoint bindMount(const std::string& source, const std::string& destination, const std::string& propagation) {
    runtime::MountPoint mount;
    mount.type = runtime::MountType::bind;
    mount.source = source;
    mount.destination = destination;
    mount.propagation = propagation;
    return mount;
}

runtime::ContainerConfig containerConfig(const PluginConfig& config, const PluginSettings& settings) {
    runtime::ContainerConfig result;
    runtime::Strings command = config.entrypoint;
    command.insert(command.end(), settings.args.begin(), settings.args.end());
    result.cmd = std::move(command);
    result.env = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
    result.env.insert(result.env.end(), settings.env.begin(), settings.env.end());
    result.working_dir = config.work_dir.empty() ? "/" : config.work_dir;
    return result;
}

runtime::HostConfig hostConfig(const PluginConfig& config, const PluginSettings& settings) {
    runtime::HostConfig result;
    result.network_mode = config.network == "host" ? "host" : "none";
    result.ipc_mode = config.ipc_host ? "host" : "private";
    result.pid_mode = config.pid_host ? "host" : "";
    result.cgroupns_mode = "host";
    result.shm_size = 64 << 20;
    result.cap_add = config.capabilities;
    if (config.allow_all_devices) result.device_cgroup_rules = {"a *:* rwm"};
    for (const PluginDevice& device : settings.devices) result.devices.push_back({device.path, device.path, "rwm"});
    return result;
}

// In Docker's list of mounts the type may be any; binds get the launcher's care.
void addMounts(oci::RuntimeSpec& spec, const PluginSettings& settings) {
    for (const PluginMount& mount : settings.mounts)
        spec.mounts.push_back({.destination = mount.destination, .type = mount.type, .source = mount.source, .options = mount.options});
}

}  // namespace

void shareMounts(const fs::path& directory) {
    makeDirectories(directory, 0755);
    // A second bind on the same place would hide what is mounted below the first.
    if (::mount(nullptr, directory.c_str(), nullptr, MS_SHARED, nullptr) == 0) return;
    check(::mount(directory.c_str(), directory.c_str(), nullptr, MS_BIND | MS_REC, nullptr), "mount {} on itself", directory.string());
    check(::mount(nullptr, directory.c_str(), nullptr, MS_SHARED, nullptr), "share the mounts of {}", directory.string());
}

void unshareMounts(const fs::path& directory) noexcept { (void)::umount2(directory.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW); }

oci::RuntimeSpec pluginSpec(const PluginPlace& place, const PluginConfig& config, const PluginSettings& settings) {
    const runtime::ContainerConfig container = containerConfig(config, settings);
    const runtime::HostConfig host = hostConfig(config, settings);
    runtime::SpecInput input;
    input.id = place.id;
    input.config = &container;
    input.host_config = &host;
    input.facts = runtime::hostFacts();
    input.root_path = place.run_dir / "rootfs";
    input.host_network = config.network == "host";
    input.cgroup_parent = place.cgroup_parent;
    input.mounts.push_back(bindMount(place.socket_dir, kSockets, "rprivate"));
    if (!config.propagated_mount.empty())
        input.mounts.push_back(bindMount(place.directory / "propagated-mount", config.propagated_mount, "rshared"));
    if (!config.network.empty()) {
        input.etc_hosts = "/etc/hosts";
        input.etc_resolv_conf = "/etc/resolv.conf";
    }
    oci::RuntimeSpec spec = runtime::buildSpec(input);
    addMounts(spec, settings);
    return spec;
}

runtime::Attachment PluginProcess::listen(const std::string& id, std::thread& reader) {
    int ends[2];
    check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "make a socket pair");
    UniqueFd own(ends[0]);
    runtime::Attachment attachment;
    attachment.options = {.stdout_ = true, .stderr_ = true, .detach_keys = {}, .multiplexed = false};
    attachment.socket = UniqueFd(ends[1]);
    reader = std::thread([id, output = std::move(own)] { logLines(id, output); });
    return attachment;
}

std::unique_ptr<PluginProcess> PluginProcess::start(runtime::ShimMonitor& monitor, const PluginPlace& place, const PluginConfig& config,
                                                    const PluginSettings& settings, Exited exited) {
    makeDirectories(place.run_dir.parent_path(), 0700);
    makeDirectories(place.socket_dir, 0700);
    (void)::unlink((place.socket_dir / config.socket).c_str());  // a dead one's: who waits for it must not find that
    if (!config.propagated_mount.empty()) shareMounts(place.directory / "propagated-mount");
    runtime::StartRequest request;
    request.id = place.id;
    request.run_dir = place.run_dir;
    request.spec = pluginSpec(place, config, settings);
    if (request.spec.process.apparmor_profile == runtime::kDefaultAppArmorProfile) runtime::ensureDefaultAppArmorProfile();
    request.root_mounts = {{.type = "bind", .source = place.directory / "rootfs", .options = {"rbind", "rw"}}};
    std::thread reader;
    request.attachments.push_back(listen(place.id, reader));
    runtime::ShimEvents events;
    events.exited = std::move(exited);
    try {
        std::unique_ptr<PluginProcess> process(new PluginProcess(place.id, runtime::Shim::start(monitor, std::move(request), std::move(events))));
        process->reader_ = std::move(reader);
        return process;
    } catch (...) {  // rethrown: the thread has to end first, with its socket
        request.attachments.clear();
        if (reader.joinable()) reader.join();
        throw;
    }
}

std::unique_ptr<PluginProcess> PluginProcess::takeUp(runtime::ShimMonitor& monitor, const PluginPlace& place, Exited exited) {
    runtime::ShimEvents events;
    events.exited = std::move(exited);
    std::shared_ptr<runtime::Shim> shim = runtime::Shim::reconnect(monitor, place.run_dir, std::move(events));
    if (!shim || !shim->state().running) {
        shim.reset();
        cleanUp(place);
        return nullptr;
    }
    std::unique_ptr<PluginProcess> process(new PluginProcess(place.id, std::move(shim)));
    process->shim_->attach(listen(place.id, process->reader_));
    return process;
}

void PluginProcess::cleanUp(const PluginPlace& place) {
    runtime::Shim::cleanUp(place.run_dir);
    removeTree(place.run_dir);
}

PluginProcess::~PluginProcess() {
    shim_.reset();
    // The shim has the other end of its output until the program ends.
    if (reader_.joinable()) reader_.detach();
}

void PluginProcess::signal(int number) { shim_->kill(number); }

void PluginProcess::release() {
    try {
        shim_->release();
    } catch (const Error& failure) {  // then its output may have no end either
        log::warning("plugin {}: shim: {}", id_, failure.text());
        return;
    }
    if (reader_.joinable()) reader_.join();
}

}  // namespace davit::managed
