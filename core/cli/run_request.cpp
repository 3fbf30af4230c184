// The create request: Docker's Config, HostConfig and NetworkingConfig out of the flags.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/check.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "cli/run_host_config.hpp"
#include "cli/run_json.hpp"
#include "cli/run_network.hpp"
#include "cli/run_options.hpp"
#include "cli/run_ports.hpp"

namespace davit::cli {
namespace {

using Texts = std::vector<std::string>;

void checkModes(const RunOptions& o) {
    const auto valid = [](const std::string& mode, std::initializer_list<std::string_view> words) {
        return std::find(words.begin(), words.end(), mode) != words.end();
    };
    const bool joins = o.pid.starts_with("container:") && o.pid.size() > std::string_view("container:").size();
    if (!valid(o.pid, {"", "host"}) && !joins) throw Error(Code::invalid, "--pid: invalid PID mode");
    if (!valid(o.uts, {"", "host"})) throw Error(Code::invalid, "--uts: invalid UTS mode");
    if (!valid(o.userns, {"", "host"})) throw Error(Code::invalid, "--userns: invalid USER mode");
    if (!valid(o.cgroupns, {"", "host", "private"})) throw Error(Code::invalid, "--cgroupns: invalid CGROUP mode");
    if (o.memory_swappiness < -1 || o.memory_swappiness > 100)
        throw error(Code::invalid, "invalid value: {}. Valid memory swappiness range is 0-100", o.memory_swappiness);
}

void writeHealth(json::Writer& out, const RunOptions& o, const FlagSet& flags) {
    const bool changed = flags.changed("health-cmd") || flags.changed("health-interval") ||
                         flags.changed("health-timeout") || flags.changed("health-start-period") ||
                         flags.changed("health-start-interval") || flags.changed("health-retries");
    if (o.no_healthcheck) {
        if (changed) throw Error(Code::invalid, "--no-healthcheck conflicts with --health-* options");
        out.object("Healthcheck", [&] { out.member("Test", Texts{"NONE"}); });
        return;
    }
    if (!changed) return;
    const std::pair<const char*, std::int64_t> values[] = {{"interval", o.health_interval_ns},
                                                           {"timeout", o.health_timeout_ns},
                                                           {"retries", o.health_retries},
                                                           {"start-period", o.health_start_period_ns},
                                                           {"start-interval", o.health_start_interval_ns}};
    for (const auto& [name, value] : values)
        if (value < 0) throw error(Code::invalid, "--health-{} cannot be negative", name);
    out.object("Healthcheck", [&] {
        if (!o.health_cmd.empty()) out.member("Test", Texts{"CMD-SHELL", o.health_cmd});
        const std::pair<const char*, std::int64_t> members[] = {{"Interval", o.health_interval_ns},
                                                                {"Timeout", o.health_timeout_ns},
                                                                {"StartPeriod", o.health_start_period_ns},
                                                                {"StartInterval", o.health_start_interval_ns},
                                                                {"Retries", o.health_retries}};
        for (const auto& [name, value] : members)
            if (value != 0) out.member(name, value);
    });
}

Volumes splitVolumes(const RunOptions& o) {
    Volumes out;
    for (const std::string& volume : o.volumes) {
        const auto [source, rest] = cut(volume, ':');
        if (!rest)
            out.anonymous.push_back(volume);
        else if (source.starts_with('.')) {
            std::string path = std::filesystem::absolute(source).lexically_normal();
            while (path.size() > 1 && path.ends_with('/')) path.pop_back();
            out.binds.push_back(path + ":" + *rest);
        } else {
            out.binds.push_back(volume);
        }
    }
    return out;
}

void writeNames(json::Writer& out, std::string_view name, const Texts& names) {
    out.object(name, [&] {
        for (const std::string& one : std::set<std::string>(names.begin(), names.end())) out.object(one, [] {});
    });
}

void writeConfig(json::Writer& out, const RunOptions& o, const FlagSet& flags, const Texts& positional,
                 const CreateRequest& attach, const Volumes& volumes, const PortRequests& ports) {
    Texts env;
    for (const std::string& file : o.env_files)
        for (std::string& line : readKeyValueFile(file, true)) env.push_back(std::move(line));
    env.insert(env.end(), o.env.begin(), o.env.end());
    Texts labels;
    for (const std::string& file : o.label_files)
        for (std::string& line : readKeyValueFile(file, false)) labels.push_back(std::move(line));
    labels.insert(labels.end(), o.labels.begin(), o.labels.end());
    out.member("Hostname", o.hostname).member("Domainname", o.domainname).member("User", o.user);
    out.member("AttachStdin", attach.attach_stdin)
        .member("AttachStdout", attach.attach_stdout)
        .member("AttachStderr", attach.attach_stderr);
    if (!ports.exposed.empty()) writeNames(out, "ExposedPorts", {ports.exposed.begin(), ports.exposed.end()});
    out.member("Tty", o.tty)
        .member("OpenStdin", o.interactive)
        .member("StdinOnce", o.interactive && attach.attach_stdin);
    textsOrNull(out, "Env", env);
    textsOrNull(out, "Cmd", {positional.begin() + 1, positional.end()});
    writeHealth(out, o, flags);
    out.member("Image", positional.front());
    writeNames(out, "Volumes", volumes.anonymous);
    out.member("WorkingDir", o.workdir);
    if (flags.changed("entrypoint"))
        out.member("Entrypoint", Texts{o.entrypoint});
    else
        out.key("Entrypoint").null();
    out.key("OnBuild").null().member("Labels", toMap(labels));
    if (!o.stop_signal.empty()) out.member("StopSignal", o.stop_signal);
    if (flags.changed("stop-timeout")) out.member("StopTimeout", o.stop_timeout);
}

CreateRequest attachments(const RunOptions& o, bool detach) {
    CreateRequest request;
    if (detach) return request;
    const auto wants = [&](std::string_view stream) {
        return std::find(o.attach.begin(), o.attach.end(), stream) != o.attach.end();
    };
    request.attach_stdin = o.attach.empty() ? o.interactive : wants("stdin");
    request.attach_stdout = o.attach.empty() || wants("stdout");
    request.attach_stderr = o.attach.empty() || wants("stderr");
    return request;
}

}  // namespace

CreateRequest buildCreateRequest(const RunOptions& options, const FlagSet& flags, const Texts& positional,
                                 const RequestFacts& facts) {
    checkModes(options);
    CreateRequest request = attachments(options, facts.detach);
    const Volumes volumes = splitVolumes(options);
    const PortRequests ports = parsePorts(options.publish, options.expose);
    json::Writer out;
    out.object([&] {
        writeConfig(out, options, flags, positional, request, volumes, ports);
        const std::string mac = firstMacAddress(options);
        if (facts.api_minor < 44 && !mac.empty())
            out.member("MacAddress", mac);  // later versions read it from the endpoint
        out.object("HostConfig", [&] { writeHostConfig(out, options, flags, facts, volumes, ports); });
        writeNetworkingConfig(out, options);
    });
    request.json = out.take();
    return request;
}

}  // namespace davit::cli
