#include <unistd.h>

#include <climits>

#include "base/check.hpp"
#include "base/defer.hpp"
#include "base/failpoint.hpp"
#include "base/file.hpp"
#include "base/id.hpp"
#include "base/log.hpp"
#include "engine/announce.hpp"
#include "engine/container_mounts.hpp"
#include "engine/container_network.hpp"
#include "engine/core.hpp"
#include "engine/create_checks.hpp"
#include "engine/lifecycle.hpp"
#include "engine/links.hpp"
#include "engine/names.hpp"
#include "engine/network_modes.hpp"
#include "runtime/config_validation.hpp"
#include "runtime/container_config_json.hpp"
#include "runtime/spec_builder.hpp"

namespace davit::engine {
namespace {

/// The name that the client asked for, or a made-up one; reserved for `id`.
std::string reserveName(ContainerTable& table, std::string asked, const std::string& id) {
    if (asked.starts_with('/')) asked.erase(0, 1);
    if (!asked.empty()) {
        if (!isContainerName(asked))
            throw error(Code::invalid, "Invalid container name ({}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed", asked);
        table.reserveName(asked, id);
        return asked;
    }
    for (unsigned attempt = 0; attempt < 8; ++attempt)
        if (std::string name = randomName(attempt); table.tryReserveName(name, id)) return name;
    table.reserveName(std::string(shortId(id)), id);
    return std::string(shortId(id));
}

std::string hostName() {
    char name[HOST_NAME_MAX + 1] = {};
    check(::gethostname(name, sizeof name - 1), "read the host's name");
    return name;
}

runtime::ContainerConfig imageConfig(const image::Image& image) {
    const json::Document document = json::Document::parse(*image.config_json);
    return runtime::readContainerConfig(document.root()["config"]);
}

/// References to other containers are kept by id: a later rename must not change what they mean.
void resolveContainerModes(const ContainerTable& table, runtime::HostConfig& host) {
    for (std::string* mode : {&host.network_mode, &host.ipc_mode, &host.pid_mode})
        if (const std::string_view ref = containerOfMode(*mode); !ref.empty())
            *mode = "container:" + table.resolve(ref)->id();
}

void setHostname(const std::string& id, const runtime::HostConfig& host, runtime::ContainerConfig& config) {
    if (!config.hostname.empty() || !containerOfMode(host.network_mode).empty()) return;
    config.hostname = host.network_mode == "host" || host.uts_mode == "host" ? hostName() : std::string(shortId(id));
}

/// Everything about the container that the request, the image and the options say.
Container describe(EngineCore& core, CreateRequest& request, std::vector<std::string>& warnings) {
    const std::shared_ptr<const EngineOptions> options = core.options();
    if (request.config.image.empty()) throw Error(Code::invalid, "no image specified");
    checkModes(request.config, request.host_config);
    const image::Image image = core.parts.images.resolve(request.config.image);
    checkPlatform(request.platform, request.config.image, image, warnings);
    runtime::mergeImageConfig(request.config, imageConfig(image));
    fillDefaults(*options, request.host_config);
    if (isDefaultMode(request.host_config.network_mode)) request.host_config.network_mode = core.parts.networks.defaultNetwork();
    const std::vector<std::string> more = runtime::validateConfig(request.config, request.host_config);
    warnings.insert(warnings.end(), more.begin(), more.end());
    checkHostConfig(request.host_config, *options);
    resolveContainerModes(core.table, request.host_config);
    if (request.host_config.network_mode == core.parts.networks.defaultNetwork()) resolveLinks(core.table, request.host_config);

    Container container;
    container.id = randomId();
    container.created = now();
    container.image_id = image.id;
    container.image_ref = request.config.image;
    container.storage_driver = core.parts.storage_driver;
    setHostname(container.id, request.host_config, request.config);
    container.config = std::make_shared<const runtime::ContainerConfig>(std::move(request.config));
    container.host_config = std::make_shared<const runtime::HostConfig>(std::move(request.host_config));
    setCommand(container);
    container.network = wantedNetwork(core, *container.config, *container.host_config, request.endpoints);
    (void)portSettings(*container.config, *container.host_config);
    const std::filesystem::path directory = core.containerDir(container.id);
    container.log_path = container.host_config->log_config.type == "none" ? "" : directory / (container.id + "-json.log");
    container.mounts = wantedMounts(core, *container.config, *container.host_config);
    return container;
}

/// The writable layer, the container's directory and its volumes.
void makeStorage(EngineCore& core, Container& container) {
    const image::Image image = core.parts.images.resolve(container.image_id);
    core.parts.layers.createWritable({.container_id = container.id,
                                      .chain_id = image.chain_id,
                                      .mount_label = {},
                                      .storage_opt = container.host_config->storage_opt,
                                      .disposable = container.host_config->auto_remove});
    DAVIT_FAILPOINT("container.rootfs_prepared");
    makeDirectories(core.containerDir(container.id), 0710);
    claimMounts(core, container);
    DAVIT_FAILPOINT("container.volumes_claimed");
}

}  // namespace

CreateResult ContainerService::create(CreateRequest request) {
    CreateResult result;
    std::string asked = std::move(request.name);
    Container container = describe(core_, request, result.warnings);
    container.name = reserveName(core_.table, std::move(asked), container.id);
    Defer free_name([&] { core_.table.releaseName(container.name, container.id); });
    const std::vector<std::string> anonymous = anonymousVolumes(container.mounts);
    core_.rows.intendCreate(container.id, anonymous);
    DAVIT_FAILPOINT("container.id_reserved");
    Defer undo([&] {
        releaseMounts(core_, container);
        removeVolumes(core_, discardVolumes(core_, anonymous));
        cleanUpRemains(core_, container.id);
    });
    makeStorage(core_, container);
    core_.rows.insert(container);
    DAVIT_FAILPOINT("container.created_commit");
    undo.dismiss();
    free_name.dismiss();
    result.id = container.id;
    if (!container.host_config->links.empty()) core_.has_links = true;
    const auto entry = std::make_shared<Entry>(std::move(container));
    const Operation operation = entry->begin();  // nothing can happen to it before it is told of
    core_.table.add(entry);
    announce(core_.event_log, entry->snapshot(), "create");
    return result;
}

}  // namespace davit::engine
