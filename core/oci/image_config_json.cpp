#include "oci/image_config.hpp"

namespace davit::oci {
namespace {

void emptyObjects(json::Writer& out, std::string_view name, const std::set<std::string>& keys) {
    if (keys.empty()) return;
    out.object(name, [&] {
        for (const std::string& key : keys) out.object(key, [] {});
    });
}

void unlessEmpty(json::Writer& out, std::string_view name, const auto& content) {
    if (!content.empty()) out.member(name, content);
}

void writeHealthcheck(json::Writer& out, const Healthcheck& health) {
    const auto number = [&](std::string_view name, std::int64_t value) {
        if (value != 0) out.member(name, value);
    };
    out.object("Healthcheck", [&] {
        unlessEmpty(out, "Test", health.test);
        number("Interval", health.interval_ns);
        number("Timeout", health.timeout_ns);
        number("StartPeriod", health.start_period_ns);
        number("StartInterval", health.start_interval_ns);
        number("Retries", health.retries);
    });
}

void writeHistory(json::Writer& out, const std::vector<HistoryEntry>& history) {
    if (history.empty()) return;
    out.array("history", [&] {
        for (const HistoryEntry& entry : history) {
            out.object([&] {
                if (entry.created) out.member("created", formatRfc3339(*entry.created));
                unlessEmpty(out, "author", entry.author);
                unlessEmpty(out, "created_by", entry.created_by);
                unlessEmpty(out, "comment", entry.comment);
                if (entry.empty_layer) out.member("empty_layer", true);
            });
        }
    });
}

}  // namespace

void writeImageDefaults(json::Writer& out, const ImageDefaults& defaults) {
    unlessEmpty(out, "User", defaults.user);
    emptyObjects(out, "ExposedPorts", defaults.exposed_ports);
    unlessEmpty(out, "Env", defaults.env);
    if (defaults.entrypoint) out.member("Entrypoint", *defaults.entrypoint);
    if (defaults.cmd) out.member("Cmd", *defaults.cmd);
    emptyObjects(out, "Volumes", defaults.volumes);
    unlessEmpty(out, "WorkingDir", defaults.working_dir);
    unlessEmpty(out, "Labels", defaults.labels);
    unlessEmpty(out, "StopSignal", defaults.stop_signal);
    if (defaults.args_escaped) out.member("ArgsEscaped", true);
    if (defaults.healthcheck) writeHealthcheck(out, *defaults.healthcheck);
    unlessEmpty(out, "OnBuild", defaults.on_build);
    unlessEmpty(out, "Shell", defaults.shell);
}

std::string imageConfigJson(const ImageConfig& config) {
    json::Writer out;
    // Docker writes the document's own members sorted by name.
    out.object([&] {
        out.member("architecture", config.architecture);
        unlessEmpty(out, "author", config.author);
        unlessEmpty(out, "comment", config.comment);
        out.object("config", [&] { writeImageDefaults(out, config.config); });
        if (config.created) out.member("created", formatRfc3339(*config.created));
        unlessEmpty(out, "docker_version", config.docker_version);
        writeHistory(out, config.history);
        out.member("os", config.os);
        unlessEmpty(out, "os.version", config.os_version);
        out.object("rootfs", [&] { out.member("type", "layers").member("diff_ids", config.diff_ids); });
        unlessEmpty(out, "variant", config.variant);
    });
    return out.take();
}

}  // namespace davit::oci
