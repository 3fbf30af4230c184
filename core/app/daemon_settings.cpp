#include "app/daemon_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/check.hpp"
#include "base/json.hpp"
#include "engine/log_config.hpp"

namespace davit::app {
namespace {

using Kind = SettingKind;

bool isTrue(const Values& values) { return values.empty() || values.back() == "true"; }

std::int64_t number(const std::string& text) {
    std::int64_t value = 0;
    const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (bad != std::errc() || end != text.data() + text.size()) throw error(Code::invalid, "not a number: {}", text);
    return value;
}

std::pair<std::string, std::string> nameValue(const std::string& text) {
    const std::size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos) throw error(Code::invalid, "expected name=value, got {}", text);
    return {text.substr(0, equals), text.substr(equals + 1)};
}

std::filesystem::path absolutePath(const std::string& text) {
    if (text.empty() || text[0] != '/') throw error(Code::invalid, "not an absolute path: {}", text);
    return std::filesystem::path(text).lexically_normal();
}

std::string oneOf(const std::string& text, std::initializer_list<std::string_view> allowed) {
    if (std::find(allowed.begin(), allowed.end(), text) != allowed.end()) return text;
    throw error(Code::invalid, "'{}' is none of {}", text, fmt::join(allowed, ", "));
}

/// "nofile=1024:2048" or "nofile=1024".
void addUlimit(DaemonConfig& config, const std::string& text) {
    const auto [name, limits] = nameValue(text);
    const std::size_t colon = limits.find(':');
    const std::int64_t soft = number(limits.substr(0, colon));
    const std::int64_t hard = colon == std::string::npos ? soft : number(limits.substr(colon + 1));
    if (hard != -1 && (soft > hard || soft == -1))
        throw error(Code::invalid, "ulimit {}: the soft limit {} is above the hard limit {}", name, soft, hard);
    config.engine.default_ulimits[name] = {soft, hard};
}

void readUlimits(DaemonConfig& config, const json::Value& value) {
    for (const auto& [name, limit] : value.object())
        addUlimit(config, fmt::format("{}={}:{}", name, limit["Soft"].integer(), limit["Hard"].integer()));
}

void readRuntimes(DaemonConfig& config, const json::Value& value) {
    for (const auto& [name, runtime] : value.object()) {
        if (name == engine::kBuiltinRuntime) throw error(Code::invalid, "runtime name '{}' is reserved", name);
        const std::string path = runtime["path"].string();
        if (path.empty()) throw error(Code::invalid, "runtime '{}' has no path", name);
        config.engine.runtimes[std::string(name)] = {path, runtime["runtimeArgs"].strings()};
    }
}

/// The driver's own part of its section: it refuses members that it doesn't know.
std::string withoutIsolation(const json::Value& section) {
    json::Writer writer;
    writer.object([&] {
        for (const auto& [name, value] : section.object())
            if (name != "isolation") writer.key(name).raw(value.text());
    });
    return writer.take();
}

void readDrivers(DaemonConfig& config, const json::Value& value) {
    for (const auto& [kind, drivers] : value.object()) {
        (void)oneOf(std::string(kind), {"storage", "network", "ipam", "volume"});
        for (const auto& [name, section] : drivers.object()) {
            plugin::DriverSection& driver = config.driver_sections[std::string(name)];
            if (!section.isObject()) throw error(Code::invalid, "the section of driver '{}' is no object", name);
            if (const std::string isolation = section["isolation"].string(); !isolation.empty())
                driver.isolation = oneOf(isolation, {"in-process", "process"}) == "process"
                                       ? plugin::Isolation::own_process
                                       : plugin::Isolation::in_process;
            driver.config_json = withoutIsolation(section);
        }
    }
}

void setPluginDirectories(DaemonConfig& config, const Values& values) {
    for (const std::string& directory : values) config.plugin_directories.push_back(absolutePath(directory));
}

constexpr auto kSettings = std::to_array<Setting>({
    {"hosts", "-H,--host", Kind::list, "Where to listen: unix://PATH, tcp://HOST:PORT, fd://",
     [](DaemonConfig& c, const Values& v) { c.hosts = v; }},
    {"data-root", "--data-root", Kind::text, "Directory of the persistent state",
     [](DaemonConfig& c, const Values& v) { c.engine.data_root = absolutePath(v.back()); }},
    {"exec-root", "--exec-root", Kind::text, "Directory of the run-time state",
     [](DaemonConfig& c, const Values& v) { c.engine.exec_root = absolutePath(v.back()); }},
    {"", "--config-file", Kind::text, "Configuration file (default /etc/davit/daemon.json)",
     [](DaemonConfig& c, const Values& v) {
         c.config_file = v.back();
         c.config_file_given = true;
     }},
    {"", "--validate", Kind::boolean, "Check the configuration and exit",
     [](DaemonConfig& c, const Values& v) { c.validate = isTrue(v); }},
    {"", "-v,--version", Kind::boolean, "Print the version and exit",
     [](DaemonConfig& c, const Values& v) { c.show_version = isTrue(v); }},
    {"debug", "-D,--debug", Kind::boolean, "Log everything",
     [](DaemonConfig& c, const Values& v) { c.engine.debug = isTrue(v); }, nullptr, true},
    {"log-level", "-l,--log-level", Kind::text, "debug, info, warn, error or fatal",
     [](DaemonConfig& c, const Values& v) { c.log_level = oneOf(v.back(), {"debug", "info", "warn", "error", "fatal"}); },
     nullptr, true},
    {"group", "-G,--group", Kind::text, "Group of the unix sockets",
     [](DaemonConfig& c, const Values& v) { c.group = v.back(); }},
    {"pidfile", "-p,--pidfile", Kind::text, "Where to write the process id",
     [](DaemonConfig& c, const Values& v) { c.pidfile = absolutePath(v.back()); }},
    {"storage-driver", "-s,--storage-driver", Kind::text, "Storage driver",
     [](DaemonConfig& c, const Values& v) { c.storage_driver = v.back(); }},
    {"storage-opts", "--storage-opt", Kind::list, "Option of the storage driver",
     [](DaemonConfig& c, const Values& v) { c.storage_opts = v; }},
    {"plugin-directories", "--plugin-dir", Kind::list, "Directory of driver plugins, searched before davit's own",
     setPluginDirectories},
    {"isolation", "--isolation", Kind::text, "Where foreign drivers run: default or process",
     [](DaemonConfig& c, const Values& v) { c.engine.isolation = oneOf(v.back(), {"default", "process"}); }},
    {"drivers", "", Kind::object, "", nullptr, readDrivers},
    {"tls", "--tls", Kind::boolean, "Use TLS on TCP",
     [](DaemonConfig& c, const Values& v) { c.tls = isTrue(v); }},
    {"tlsverify", "--tlsverify", Kind::boolean, "Use TLS and verify the client",
     [](DaemonConfig& c, const Values& v) { c.tls_verify = isTrue(v); }},
    {"tlscacert", "--tlscacert", Kind::text, "Certificates that clients are verified by",
     [](DaemonConfig& c, const Values& v) { c.tls_ca = v.back(); }},
    {"tlscert", "--tlscert", Kind::text, "TLS certificate",
     [](DaemonConfig& c, const Values& v) { c.tls_cert = v.back(); }},
    {"tlskey", "--tlskey", Kind::text, "TLS key", [](DaemonConfig& c, const Values& v) { c.tls_key = v.back(); }},
    {"default-runtime", "--default-runtime", Kind::text, "OCI runtime of containers",
     [](DaemonConfig& c, const Values& v) { c.engine.default_runtime = v.back(); }, nullptr, true},
    {"runtimes", "", Kind::object, "", nullptr, readRuntimes, true},
    {"", "--add-runtime", Kind::list, "Further OCI runtime, name=path",
     [](DaemonConfig& c, const Values& v) {
         for (const std::string& one : v) {
             const auto [name, path] = nameValue(one);
             c.engine.runtimes[name] = {path, {}};
         }
     }},
    {"default-ulimits", "", Kind::object, "", nullptr, readUlimits, true},
    {"", "--default-ulimit", Kind::list, "Default limit of containers, name=soft:hard",
     [](DaemonConfig& c, const Values& v) {
         for (const std::string& one : v) addUlimit(c, one);
     }},
    {"default-shm-size", "--default-shm-size", Kind::text, "Default size of /dev/shm",
     [](DaemonConfig& c, const Values& v) { c.engine.default_shm_size = engine::parseSize(v.back()); }, nullptr, true},
    {"default-cgroupns-mode", "--default-cgroupns-mode", Kind::text, "host or private",
     [](DaemonConfig& c, const Values& v) { c.engine.default_cgroupns_mode = oneOf(v.back(), {"host", "private"}); },
     nullptr, true},
    {"default-ipc-mode", "--default-ipc-mode", Kind::text, "shareable or private",
     [](DaemonConfig& c, const Values& v) { c.engine.default_ipc_mode = oneOf(v.back(), {"shareable", "private"}); }},
    {"cgroup-parent", "--cgroup-parent", Kind::text, "Parent control group of containers",
     [](DaemonConfig& c, const Values& v) { c.engine.cgroup_parent = v.back(); }},
    {"init", "--init", Kind::boolean, "Run an init in every container",
     [](DaemonConfig& c, const Values& v) { c.engine.init_by_default = isTrue(v); }},
    {"init-path", "--init-path", Kind::text, "The init that --init runs",
     [](DaemonConfig& c, const Values& v) { c.engine.init = absolutePath(v.back()); }},
    {"labels", "--label", Kind::list, "Label of this daemon",
     [](DaemonConfig& c, const Values& v) {
         for (const std::string& label : v) (void)nameValue(label);
         c.engine.labels = v;
     },
     nullptr, true},
    {"no-new-privileges", "--no-new-privileges", Kind::boolean, "Set no-new-privileges by default",
     [](DaemonConfig& c, const Values& v) { c.engine.no_new_privileges = isTrue(v); }},
    {"seccomp-profile", "--seccomp-profile", Kind::text, "Default seccomp profile: a file, or unconfined",
     [](DaemonConfig& c, const Values& v) { c.engine.seccomp_profile = v.back() == "builtin" ? "" : v.back(); }},
    {"shutdown-timeout", "--shutdown-timeout", Kind::number, "Seconds that containers get to stop",
     [](DaemonConfig& c, const Values& v) {
         const std::int64_t seconds = number(v.back());
         if (seconds < 0 || seconds > 86400) throw error(Code::invalid, "invalid shutdown timeout: {}", seconds);
         c.engine.shutdown_timeout_s = static_cast<unsigned>(seconds);
     },
     nullptr, true},
    {"prepared-starts", "--prepared-starts", Kind::number, "For how many containers shims and network namespaces are made ahead",
     [](DaemonConfig& c, const Values& v) {
         const std::int64_t starts = number(v.back());
         if (starts < 0 || starts > 64) throw error(Code::invalid, "invalid prepared-starts: {}", starts);
         c.engine.prepared_starts = static_cast<std::size_t>(starts);
     }},
    {"log-driver", "--log-driver", Kind::text, "Default log driver: json-file or none",
     [](DaemonConfig& c, const Values& v) { c.engine.log_driver = v.back(); }},
    {"log-opts", "--log-opt", Kind::map, "Default option of the log driver",
     [](DaemonConfig& c, const Values& v) {
         for (const std::string& one : v) c.engine.log_opts.insert(nameValue(one));
     }},
    {"bridge", "-b,--bridge", Kind::text, "Existing bridge of the default network; none: there is no such network", setBridge},
    {"bip", "--bip", Kind::text, "Address and subnet of the default network's own bridge", setBip},
    {"bip6", "--bip6", Kind::text, "The same for IPv6", setBip6},
    {"fixed-cidr", "--fixed-cidr", Kind::text, "Where the default network's addresses are chosen", setFixedCidr},
    {"fixed-cidr-v6", "--fixed-cidr-v6", Kind::text, "The same for IPv6", setFixedCidrV6},
    {"default-gateway", "--default-gateway", Kind::text, "Gateway of containers on the default network", setDefaultGateway},
    {"default-gateway-v6", "--default-gateway-v6", Kind::text, "The same for IPv6", setDefaultGatewayV6},
    {"ip", "--ip", Kind::text, "Host address where the default network publishes ports", setHostAddress},
    {"mtu", "--mtu", Kind::number, "MTU of the default network", setMtu},
    {"ipv6", "--ipv6", Kind::boolean, "Give the default network IPv6",
     [](DaemonConfig& c, const Values& v) { c.network.ipv6 = isTrue(v); }},
    {"icc", "--icc", Kind::boolean, "false: containers on the default network can't reach each other",
     [](DaemonConfig& c, const Values& v) { c.network.icc = isTrue(v); }},
    {"ip-masq", "--ip-masq", Kind::boolean, "false: what leaves the default network keeps its address",
     [](DaemonConfig& c, const Values& v) { c.network.ip_masq = isTrue(v); }},
    {"ip-forward", "--ip-forward", Kind::boolean, "false: don't switch the host's forwarding on",
     [](DaemonConfig& c, const Values& v) { c.network.ip_forward = isTrue(v); }},
    {"default-address-pools", "", Kind::object, "", nullptr, readAddressPools},
    {"", "--default-address-pool", Kind::list, "Where subnets of networks are chosen, base=CIDR,size=BITS", addAddressPools},
    {"default-network-opts", "", Kind::object, "", nullptr, readDefaultNetworkOpts},
    {"dns", "--dns", Kind::list, "Name server of containers", setDns, nullptr, true},
    {"dns-opts", "--dns-opt", Kind::list, "Option of the resolver in containers", setDnsOptions, nullptr, true},
    {"dns-search", "--dns-search", Kind::list, "Search domain of containers", setDnsSearch, nullptr, true},
    {"host-gateway-ips", "--host-gateway-ip", Kind::list, "What host-gateway means in --add-host", setHostGateways},
    {"live-restore", "--live-restore", Kind::boolean, "false: a stopping daemon stops its containers",
     [](DaemonConfig& c, const Values& v) { c.engine.live_restore = isTrue(v); }, nullptr, true},
    {"oom-score-adjust", "--oom-score-adjust", Kind::number, "oom_score_adj of the daemon",
     [](DaemonConfig& c, const Values& v) {
         const std::int64_t score = number(v.back());
         if (score < -1000 || score > 1000) throw error(Code::invalid, "invalid oom-score-adjust: {}", score);
         c.oom_score_adjust = static_cast<int>(score);
     }},
});

// What registries, networks and Docker's own deployment need; their keys may stand in a file that both engines read.
constexpr std::array<std::string_view, 17> kIgnored = {
    "allow-nondistributable-artifacts", "authorization-plugins", "builder", "containerd", "containerd-namespace",
    "experimental", "features", "insecure-registries", "iptables", "ip6tables", "log-format", "max-concurrent-downloads",
    "max-concurrent-uploads", "max-download-attempts", "registry-mirrors", "userland-proxy", "userland-proxy-path"};

}  // namespace

std::span<const Setting> settings() { return kSettings; }

const Setting* findSetting(std::string_view key) {
    const auto* found = std::find_if(kSettings.begin(), kSettings.end(), [&](const Setting& one) { return one.key == key; });
    return key.empty() || found == kSettings.end() ? nullptr : found;
}

bool isIgnoredKey(std::string_view key) { return std::find(kIgnored.begin(), kIgnored.end(), key) != kIgnored.end(); }

}  // namespace davit::app
