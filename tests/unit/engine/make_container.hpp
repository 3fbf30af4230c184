// A container as create would make it, for the engine's tests.
#pragma once

#include "base/id.hpp"
#include "engine/container.hpp"

namespace davit::engine::test {

inline Container makeContainer(const std::string& name = "box", const std::string& id = randomId()) {
    Container container;
    container.id = id;
    container.name = name;
    container.created = now();
    container.image_id = "sha256:" + std::string(64, 'a');
    container.image_ref = "davit/hello";
    container.path = "/bin/sh";
    container.args = {"-c", "true"};
    runtime::ContainerConfig config;
    config.image = "davit/hello";
    config.env = {"A=1"};
    config.labels = {{"tier", "db"}};
    config.hostname = std::string(shortId(id));
    container.config = std::make_shared<const runtime::ContainerConfig>(std::move(config));
    runtime::HostConfig host;
    host.network_mode = "none";
    host.log_config.type = "json-file";
    container.host_config = std::make_shared<const runtime::HostConfig>(std::move(host));
    return container;
}

}  // namespace davit::engine::test
