#include "api/views/common.hpp"
#include "api/views/container_view.hpp"
#include "runtime/container_config_json.hpp"

namespace davit::api {
namespace {

const std::string kDefaultBridge = "bridge";

std::string_view typeName(runtime::MountType type) {
    switch (type) {
        case runtime::MountType::bind: return "bind";
        case runtime::MountType::volume: return "volume";
        case runtime::MountType::image: return "image";
        case runtime::MountType::tmpfs: return "tmpfs";
    }
    return "";
}

void writeState(json::Writer& out, const engine::ContainerState& state) {
    out.object("State", [&] {
        out.member("Status", engine::statusName(state.status));
        // Docker counts what waits for its restart as running.
        out.member("Running", state.running() || state.status == engine::Status::restarting);
        out.member("Paused", state.paused());
        out.member("Restarting", state.status == engine::Status::restarting);
        out.member("OOMKilled", state.oom_killed);
        out.member("Dead", state.dead());
        out.member("Pid", state.pid);
        out.member("ExitCode", state.exit_code);
        out.member("Error", state.error);
        out.member("StartedAt", timeText(state.started_at));
        out.member("FinishedAt", timeText(state.finished_at));
    });
}

void writeIpamConfig(json::Writer& out, const network::EndpointConfig& config) {
    out.key("IPAMConfig");
    if (config.ipv4_address.empty() && config.ipv6_address.empty() && config.link_local_addresses.empty()) {
        out.null();
        return;
    }
    out.object([&] {
        if (!config.ipv4_address.empty()) out.member("IPv4Address", config.ipv4_address);
        if (!config.ipv6_address.empty()) out.member("IPv6Address", config.ipv6_address);
        if (!config.link_local_addresses.empty()) out.member("LinkLocalIPs", config.link_local_addresses);
    });
}

void writeEndpoint(json::Writer& out, const engine::EndpointSettings& endpoint) {
    out.object([&] {
        const network::EndpointConfig& config = endpoint.config;
        writeIpamConfig(out, config);
        writeStringsOrNull(out, "Links", config.links);
        writeStringsOrNull(out, "Aliases", config.aliases);
        out.member("MacAddress", endpoint.mac_address);
        out.key("DriverOpts");
        if (config.driver_opts.empty())
            out.null();
        else
            out.value(config.driver_opts);
        out.member("GwPriority", config.gateway_priority);
        out.member("NetworkID", endpoint.network_id);
        out.member("EndpointID", endpoint.endpoint_id);
        out.member("Gateway", endpoint.gateway);
        out.member("IPAddress", endpoint.ip_address);
        out.member("IPPrefixLen", endpoint.ip_prefix_len);
        out.member("IPv6Gateway", endpoint.ipv6_gateway);
        out.member("GlobalIPv6Address", endpoint.global_ipv6_address);
        out.member("GlobalIPv6PrefixLen", endpoint.global_ipv6_prefix_len);
        writeStringsOrNull(out, "DNSNames", endpoint.dns_names);
    });
}

void writePublished(json::Writer& out, const engine::Container& container) {
    out.object("Ports", [&] {
        for (const auto& published : container.network.ports) {
            const auto& bindings = published.second;
            out.key(published.first);
            if (bindings.empty()) {
                out.null();
                continue;
            }
            out.array([&] {
                for (const network::PortBinding& one : bindings)
                    out.object([&] {
                        out.member("HostIp", one.host_ip);
                        out.member("HostPort", std::to_string(one.host_port));
                    });
            });
        }
    });
}

void writeGraphDriver(json::Writer& out, const engine::Container& container) {
    out.object("GraphDriver", [&] {
        out.key("Data");
        if (container.storage_data.empty())
            out.null();
        else
            out.value(container.storage_data);
        out.member("Name", container.storage_driver);
    });
}

}  // namespace

void writeMounts(json::Writer& out, const engine::Container& container) {
    out.array("Mounts", [&] {
        for (const runtime::MountPoint& mount : container.mounts) {
            // Docker lists --mount type=tmpfs here, but not --tmpfs, which HostConfig.Tmpfs shows.
            if (mount.type == runtime::MountType::tmpfs && container.host_config->tmpfs.contains(mount.destination))
                continue;
            out.object([&] {
                out.member("Type", typeName(mount.type));
                if (!mount.name.empty()) out.member("Name", mount.name);
                out.member("Source", mount.source);
                out.member("Destination", mount.destination);
                if (!mount.driver.empty()) out.member("Driver", mount.driver);
                out.member("Mode", mount.mode);
                out.member("RW", mount.rw);
                out.member("Propagation", mount.propagation);
            });
        }
    });
}

void writeEndpoints(json::Writer& out, const engine::Container& container) {
    out.object("Networks", [&] {
        for (const auto& [name, endpoint] : container.network.networks) {
            out.key(name);
            writeEndpoint(out, endpoint);
        }
    });
}

void writeNetworkSettings(json::Writer& out, const engine::Container& container) {
    // The flat members repeat the default bridge's endpoint, which clients below 1.52 read; zero values without it.
    const auto found = container.network.networks.find(kDefaultBridge);
    const engine::EndpointSettings flat = found == container.network.networks.end() ? engine::EndpointSettings{} : found->second;
    out.object("NetworkSettings", [&] {
        out.member("Bridge", "");
        out.member("SandboxID", container.network.sandbox_id);
        out.member("SandboxKey", container.network.sandbox_key);
        writePublished(out, container);
        out.member("HairpinMode", false);
        out.member("LinkLocalIPv6Address", "");
        out.member("LinkLocalIPv6PrefixLen", 0);
        out.key("SecondaryIPAddresses").null();
        out.key("SecondaryIPv6Addresses").null();
        out.member("EndpointID", flat.endpoint_id);
        out.member("Gateway", flat.gateway);
        out.member("GlobalIPv6Address", flat.global_ipv6_address);
        out.member("GlobalIPv6PrefixLen", flat.global_ipv6_prefix_len);
        out.member("IPAddress", flat.ip_address);
        out.member("IPPrefixLen", flat.ip_prefix_len);
        out.member("IPv6Gateway", flat.ipv6_gateway);
        out.member("MacAddress", flat.mac_address);
        writeEndpoints(out, container);
    });
}

void writeContainerDetails(json::Writer& out, const engine::Container& container) {
    out.object([&] {
        out.member("Id", container.id);
        out.member("Created", formatRfc3339(container.created));
        out.member("Path", container.path);
        out.member("Args", container.args);
        writeState(out, container.state);
        out.member("Image", container.image_id);
        out.member("ResolvConfPath", container.resolv_conf_path);
        out.member("HostnamePath", container.hostname_path);
        out.member("HostsPath", container.hosts_path);
        out.member("LogPath", container.log_path);
        out.member("Name", "/" + container.name);
        out.member("RestartCount", container.restart_count);
        out.member("Driver", container.storage_driver);
        out.member("Platform", "linux");
        out.member("MountLabel", "");
        out.member("ProcessLabel", "");
        out.member("AppArmorProfile", container.apparmor_profile);
        writeStringsOrNull(out, "ExecIDs", container.exec_ids);
        out.key("HostConfig");
        runtime::write(out, *container.host_config);
        writeGraphDriver(out, container);
        if (container.size) {
            out.member("SizeRw", container.size->rw);
            out.member("SizeRootFs", container.size->root_fs);
        }
        writeMounts(out, container);
        out.key("Config");
        runtime::write(out, *container.config);
        writeNetworkSettings(out, container);
    });
}

void writeExec(json::Writer& out, const engine::Exec& exec) {
    const engine::ExecConfig& config = exec.config;
    out.object([&] {
        out.member("ID", exec.id);
        out.member("Running", exec.running);
        out.key("ExitCode");
        if (exec.exit_code)
            out.value(*exec.exit_code);
        else
            out.null();
        out.object("ProcessConfig", [&] {
            out.member("tty", config.tty);
            out.member("entrypoint", config.cmd.empty() ? std::string() : config.cmd.front());
            out.member("arguments",
                       std::vector<std::string>(config.cmd.begin() + (config.cmd.empty() ? 0 : 1), config.cmd.end()));
            out.member("privileged", config.privileged);
            if (!config.user.empty()) out.member("user", config.user);
        });
        out.member("OpenStdin", config.attach_stdin);
        out.member("OpenStderr", config.attach_stderr);
        out.member("OpenStdout", config.attach_stdout);
        out.member("CanRemove", exec.can_remove);
        out.member("ContainerID", exec.container_id);
        out.member("DetachKeys", config.detach_keys);
        out.member("Pid", exec.pid);
    });
}

}  // namespace davit::api
