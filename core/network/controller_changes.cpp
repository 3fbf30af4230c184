// What changes in the sandbox of a container that runs: its endpoints, their options, its name.
#include "base/check.hpp"
#include "base/defer.hpp"
#include "base/failpoint.hpp"
#include "base/json.hpp"
#include "network/controller.hpp"
#include "network/controller_rights.hpp"

namespace davit::network {
namespace {

std::string sandboxIdOf(const NetworkController& controller, const std::string& container_id) {
    const std::optional<Sandbox> sandbox = controller.sandboxOf(container_id);
    if (!sandbox) throw error(Code::conflict, "container {} has no network sandbox", container_id);
    return sandbox->id;
}

}  // namespace

Sandbox NetworkController::extend(const Sandbox& before, const EndpointRequest& request) {
    Endpoint endpoint = describeEndpoint(request, before);
    for (const Endpoint& other : before.endpoints)
        if (other.network_id == endpoint.network_id)
            throw error(Code::forbidden, "endpoint with name {} already exists in network {}", before.container_name,
                        endpoint.network_name);
    const Pin pin(*this, endpoint.network_id);
    Sandbox sandbox = before;
    sandbox.endpoints.push_back(endpoint);
    rows_.update(sandbox);
    Defer no_row([&] { rows_.update(before); });
    attach(before, endpoint);
    sandbox.endpoints.back() = endpoint;
    Defer undo([&] {
        detachLive(sandbox, sandbox.endpoints.back());
        sandbox.endpoints.pop_back();
        updateGateway(sandbox);
        showNames(sandbox);
    });
    updateGateway(sandbox);
    showNames(sandbox);
    rows_.update(sandbox);
    DAVIT_FAILPOINT("sandbox.extended");
    undo.dismiss();
    no_row.dismiss();
    publish(sandbox);
    return sandbox;
}

Sandbox NetworkController::connect(const std::string& container_id, const EndpointRequest& request) {
    const Busy busy(*this, sandboxIdOf(*this, container_id));
    const Sandbox& before = busy.running(container_id);
    return orAfterSweep([&] { return extend(before, request); });
}

Sandbox NetworkController::disconnect(const std::string& container_id, const std::string& network_id) {
    const Busy busy(*this, sandboxIdOf(*this, container_id));
    Sandbox sandbox = busy.running(container_id);
    Endpoint* const endpoint = sandbox.find(network_id);
    if (endpoint == nullptr) throw error(Code::not_found, "container {} is not connected to network {}", container_id, network_id);
    endpoint->phase = Endpoint::Phase::removing;
    rows_.update(sandbox);
    DAVIT_FAILPOINT("endpoint.remove_intent");
    detachLive(sandbox, *endpoint);
    sandbox.endpoints.erase(sandbox.endpoints.begin() + (endpoint - sandbox.endpoints.data()));
    updateGateway(sandbox);
    showNames(sandbox);
    rows_.update(sandbox);
    publish(sandbox);
    return sandbox;
}

Sandbox NetworkController::update(const std::string& container_id, const std::string& network_id,
                                  const std::map<std::string, std::string>& driver_opts) {
    const Busy busy(*this, sandboxIdOf(*this, container_id));
    Sandbox sandbox = busy.running(container_id);
    Endpoint* const endpoint = sandbox.find(network_id);
    const std::optional<Network> network = known(network_id);
    if (endpoint == nullptr || !network) throw error(Code::not_found, "container {} is not connected to network {}", container_id, network_id);
    JsonOptions options;
    for (const auto& [name, value] : driver_opts) options[name] = json::quote(value);
    driverOf(*network)->updateEndpoint(network_id, endpoint->id, options);
    changeOptions(endpoint->config.driver_opts, driver_opts);
    rows_.update(sandbox);
    publish(sandbox);
    return sandbox;
}

std::optional<Sandbox> NetworkController::rename(const std::string& container_id, const std::string& name,
                                                 const std::map<std::string, std::vector<std::string>>& dns_names) {
    const std::optional<Sandbox> current = sandboxOf(container_id);
    if (!current) return std::nullopt;
    const Busy busy(*this, current->id);
    if (!busy.sandbox() || busy.sandbox()->ending) return std::nullopt;
    Sandbox sandbox = *busy.sandbox();
    sandbox.container_name = name;
    for (Endpoint& endpoint : sandbox.endpoints)
        if (const auto names = dns_names.find(endpoint.network_id); names != dns_names.end()) endpoint.dns_names = names->second;
    rows_.update(sandbox);
    showNames(sandbox);
    publish(sandbox);
    return sandbox;
}

}  // namespace davit::network
