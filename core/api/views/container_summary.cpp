#include <fmt/format.h>

#include "api/views/common.hpp"
#include "api/views/container_view.hpp"

namespace davit::api {
namespace {

std::string since(const std::optional<SystemTime>& from, SystemTime at) {
    return humanDuration(std::chrono::duration_cast<std::chrono::seconds>(at - from.value_or(at)));
}

void writePorts(json::Writer& out, const engine::Container& container) {
    out.array("Ports", [&] {
        // Without a network nothing is published: the ports that the image or the user exposed.
        if (!container.state.running()) return;
        for (const std::string& port : container.config->exposed_ports) {
            const auto slash = port.find('/');
            const std::string number = port.substr(0, slash);
            if (number.empty() || number.find_first_not_of("0123456789") != std::string::npos || number.size() > 5)
                continue;
            out.object([&] {
                out.member("PrivatePort", std::stoi(number));
                out.member("Type", slash == std::string::npos ? std::string("tcp") : port.substr(slash + 1));
            });
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
