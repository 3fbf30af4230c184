#include <fmt/format.h>

#include "api/views/common.hpp"
#include "api/views/container_view.hpp"

namespace davit::api {
namespace {

std::string since(const std::optional<SystemTime>& from, SystemTime at) {
    return humanDuration(std::chrono::duration_cast<std::chrono::seconds>(at - from.value_or(at)));
}

void writePort(json::Writer& out, const network::Port& port, const network::PortBinding* binding) {
    out.object([&] {
        if (binding != nullptr) out.member("IP", binding->host_ip);
        out.member("PrivatePort", port.number);
        if (binding != nullptr) out.member("PublicPort", binding->host_port);
        out.member("Type", port.protocol);
    });
}

void writePorts(json::Writer& out, const engine::Container& container) {
    out.array("Ports", [&] {
        for (const auto& [text, bindings] : container.network.ports) {
            const network::Port port = network::Port::parse(text);
            if (bindings.empty()) writePort(out, port, nullptr);
            for (const network::PortBinding& one : bindings) writePort(out, port, &one);
        }
    });
}

}  // namespace

std::string statusText(const engine::ContainerState& state, SystemTime at) {
    using engine::Status;
    switch (state.status) {
        case Status::running: return "Up " + since(state.started_at, at);
        case Status::paused: return "Up " + since(state.started_at, at) + " (Paused)";
        case Status::restarting:
            return fmt::format("Restarting ({}) {} ago", state.exit_code, since(state.finished_at, at));
        case Status::removing: return "Removal In Progress";
        case Status::dead: return "Dead";
        case Status::created: return "Created";
        case Status::exited: break;
    }
    if (!state.finished_at) return "";
    return fmt::format("Exited ({}) {} ago", state.exit_code, since(state.finished_at, at));
}

std::string commandText(const engine::Container& container) {
    std::string text = container.path;
    for (const std::string& argument : container.args) {
        text += ' ';
        text += argument.find(' ') == std::string::npos ? argument : "'" + argument + "'";
    }
    return text;
}

void writeContainerSummary(json::Writer& out, const engine::Container& container, const std::string& image,
                           SystemTime at) {
    out.object([&] {
        out.member("Id", container.id);
        out.member("Names", std::vector<std::string>{"/" + container.name});
        out.member("Image", image);
        out.member("ImageID", container.image_id);
        out.member("Command", commandText(container));
        out.member("Created", unixSeconds(container.created));
        writePorts(out, container);
        if (container.size) {
            if (container.size->rw != 0) out.member("SizeRw", container.size->rw);
            if (container.size->root_fs != 0) out.member("SizeRootFs", container.size->root_fs);
        }
        out.member("Labels", container.config->labels);
        out.member("State", engine::statusName(container.state.status));
        out.member("Status", statusText(container.state, at));
        out.object("HostConfig", [&] {
            out.member("NetworkMode", container.host_config->network_mode);
            if (!container.host_config->annotations.empty())
                out.member("Annotations", container.host_config->annotations);
        });
        out.object("NetworkSettings", [&] { writeEndpoints(out, container); });
        writeMounts(out, container);
    });
}

}  // namespace davit::api
