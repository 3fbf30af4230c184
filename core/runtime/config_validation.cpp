#include "runtime/config_validation.hpp"

#include <signal.h>

#include <algorithm>
#include <charconv>
#include <regex>
#include <unordered_set>

#include "base/check.hpp"
#include "linux/capability.hpp"
#include "runtime/resource_validation.hpp"
#include "runtime/security_options.hpp"

namespace davit::runtime {
namespace {

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kDefaultShmSize = 64LL << 20;

bool isDigits(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// A NUL would end the string early at the kernel's side of exec and mount.
void refuseNul(std::string_view text, std::string_view what) {
    if (text.find('\0') != std::string_view::npos) throw error(Code::invalid, "invalid {}: contains a NUL byte", what);
}

void checkProcess(const ContainerConfig& config) {
    for (const std::string& variable : config.env) {
        refuseNul(variable, "environment variable");
        if (variable.empty() || variable.front() == '=')
            throw error(Code::invalid, "invalid environment variable: {}", variable);
    }
    for (const std::string& argument : config.cmd.value_or(Strings{})) refuseNul(argument, "command");
    for (const std::string& argument : config.entrypoint.value_or(Strings{})) refuseNul(argument, "entrypoint");
    refuseNul(config.working_dir, "working directory");
    refuseNul(config.hostname, "hostname");
    refuseNul(config.domainname, "domainname");
    if (!config.stop_signal.empty()) (void)parseSignal(config.stop_signal);
}

void checkHealth(const HealthConfig& health) {
    const auto least = [](std::int64_t value, std::string_view name) {
        if (value != 0 && value < kMillisecond)
            throw error(Code::invalid, "{} in Healthcheck cannot be less than 1ms", name);
    };
    least(health.interval, "Interval");
    least(health.timeout, "Timeout");
    least(health.start_period, "StartPeriod");
    least(health.start_interval, "StartInterval");
    if (health.retries < 0) throw error(Code::invalid, "Retries in Healthcheck cannot be negative");
}

// SEC-11: what looks like a number is one, and never wraps around.
void checkId(std::string_view id) {
    const std::string_view digits = id.starts_with('-') ? id.substr(1) : id;
    if (!isDigits(digits)) return;  // a name: looked up in the image when the container starts
    std::int64_t number = 0;
    const auto [end, failed] = std::from_chars(id.data(), id.data() + id.size(), number);
    if (failed != std::errc{} || end != id.data() + id.size() || number < 0 || number > 2147483647)
        throw error(Code::invalid, "uids and gids must be in range 0-2147483647");
}

void checkUser(const std::string& user) {
    refuseNul(user, "user");
    const auto colon = user.find(':');
    checkId(std::string_view(user).substr(0, colon));
    if (colon != std::string::npos) checkId(std::string_view(user).substr(colon + 1));
}

void checkCapabilities(const HostConfig& host) {
    const auto check_list = [](const Strings& names, std::string_view member) {
        try {
            (void)linux::normalizeCapabilities(names);
        } catch (const Error& failure) {
            throw error(Code::invalid, "invalid {}: {}", member, failure.text());
        }
    };
    check_list(host.cap_add, "CapAdd");
    check_list(host.cap_drop, "CapDrop");
}

// SEC-08: only keys that a namespace of the container's own holds.
void checkSysctl(const std::string& given, const std::string& value, const HostConfig& host) {
    static const std::unordered_set<std::string_view> kIpcKeys = {
        "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem",
        "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced"};
    std::string key = given;
    std::replace(key.begin(), key.end(), '/', '.');
    const bool clean = std::all_of(key.begin(), key.end(), [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-';
    });
    const bool one_line = value.find_first_of(std::string_view("\n\0", 2)) == std::string::npos;
    if (!clean || !one_line || key.find("..") != std::string::npos)
        throw error(Code::invalid, "invalid sysctl: {}={}", given, value);
    const bool ipc = kIpcKeys.contains(key) || key.starts_with("fs.mqueue.");
    if (ipc && host.ipc_mode == "host")
        throw error(Code::invalid, "sysctl '{}={}' is not allowed in host IPC namespace", given, value);
    const bool net = key.starts_with("net.");
    if (net && host.network_mode == "host")
        throw error(Code::invalid, "sysctl \"{}\" not allowed in host network namespace", given);
    if (!ipc && !net && key != "kernel.domainname")
        throw error(Code::invalid, "sysctl \"{}\" is not in a separate kernel namespace", given);
}

void checkMode(const std::string& mode, std::string_view what, std::initializer_list<std::string_view> allowed) {
    const std::string_view head = std::string_view(mode).substr(0, mode.find(':'));
    const bool joins = head == "container" && mode.size() > head.size() + 1;
    for (const std::string_view word : allowed)
        if (mode == word || (joins && word == "container")) return;
    throw error(Code::invalid, "invalid {}: {}", what, mode);
}

void checkNamespaces(const HostConfig& host) {
    checkMode(host.ipc_mode, "IPC mode", {"", "none", "private", "shareable", "host", "container"});
    checkMode(host.pid_mode, "PID mode", {"", "host", "container"});
    checkMode(host.uts_mode, "UTS mode", {"", "host"});
    checkMode(host.userns_mode, "user namespace mode", {"", "host"});
    checkMode(host.cgroupns_mode, "cgroup namespace mode", {"", "private", "host"});
    if (!host.isolation.empty() && host.isolation != "default")
        throw error(Code::invalid, "invalid isolation '{}' on linux", host.isolation);
    for (const auto& part : {host.cgroup_parent})
        if (part.find("..") != std::string::npos || part.find('\0') != std::string::npos)
            throw error(Code::invalid, "invalid cgroup parent: {}", part);
}

// "80", "80/tcp", "8000-8010/udp"
void checkPort(const std::string& text) {
    static const std::regex pattern(R"((\d{1,5})(-(\d{1,5}))?(/(tcp|udp|sctp))?)", std::regex::icase);
    std::smatch parts;
    const bool shaped = text.size() < 32 && std::regex_match(text, parts, pattern);
    const int first = shaped ? std::stoi(parts[1]) : 0;
    const int last = shaped && parts[3].matched ? std::stoi(parts[3]) : first;
    if (!shaped || first > 65535 || last > 65535 || last < first)
        throw error(Code::invalid, "invalid port specification: \"{}\"", text);
}

void checkNetwork(const ContainerConfig& config, const HostConfig& host) {
    for (const std::string& port : config.exposed_ports) checkPort(port);
    for (const auto& [port, bindings] : host.port_bindings) {
        checkPort(port);
        for (const PortBinding& binding : bindings)
            if (!binding.host_port.empty()) checkPort(binding.host_port);
    }
    for (const std::string& entry : host.extra_hosts) {
        const auto colon = entry.find_first_of(":=");
        if (colon == std::string::npos || colon == 0 || entry.find_first_of(std::string_view("\n\0 ", 3)) != std::string::npos)
            throw error(Code::invalid, "bad format for add-host: \"{}\"", entry);
    }
}

}  // namespace

int parseSignal(std::string_view text) {
    int number = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failed == std::errc{} && end == text.data() + text.size()) {
        if (number > 0 && number < NSIG) return number;
        throw error(Code::invalid, "invalid signal: {}", text);
    }
    std::string name(text);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    if (name.starts_with("SIG")) name.erase(0, 3);
    for (int candidate = 1; candidate < 32; ++candidate)
        if (name == ::sigabbrev_np(candidate)) return candidate;
    if (name == "IOT") return SIGABRT;
    if (name == "CLD") return SIGCHLD;
    if (name == "RTMIN") return SIGRTMIN;
    if (name == "RTMAX") return SIGRTMAX;
    const bool up = name.starts_with("RTMIN+");
    if (up || name.starts_with("RTMAX-")) {
        int offset = -1;
        const auto parsed = std::from_chars(name.data() + 6, name.data() + name.size(), offset);
        const int value = up ? SIGRTMIN + offset : SIGRTMAX - offset;
        if (parsed.ec == std::errc{} && parsed.ptr == name.data() + name.size() && value >= SIGRTMIN && value <= SIGRTMAX)
            return value;
    }
    throw error(Code::invalid, "invalid signal: {}", text);
}

std::vector<std::string> validateConfig(ContainerConfig& config, HostConfig& host) {
    checkProcess(config);
    if (config.healthcheck) checkHealth(*config.healthcheck);
    checkUser(config.user);
    for (const std::string& group : host.group_add) checkId(group);
    checkCapabilities(host);
    for (const auto& [key, value] : host.sysctls) checkSysctl(key, value, host);
    checkNamespaces(host);
    checkNetwork(config, host);
    (void)parseSecurityOptions(host.security_opt);
    if (host.shm_size < 0) throw error(Code::invalid, "SHM size can not be less than 0");
    if (host.shm_size == 0) host.shm_size = kDefaultShmSize;
    if (host.oom_score_adj < -1000 || host.oom_score_adj > 1000)
        throw error(Code::invalid, "Invalid value {}, range for oom score adj is [-1000, 1000]", host.oom_score_adj);
    return validateResources(host);
}

}  // namespace davit::runtime
