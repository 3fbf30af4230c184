#include <algorithm>

#include "base/check.hpp"
#include "base/defer.hpp"
#include "base/failpoint.hpp"
#include "base/id.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "network/controller.hpp"
#include "network/driver_options.hpp"
#include "network/net_namespace.hpp"

namespace davit::network {
namespace {

constexpr std::size_t kFileNameLength = 12;

/// prefix0, prefix1, …: the first that no endpoint has.
std::string freeName(const Sandbox& sandbox, const std::string& prefix) {
    for (int number = 0;; ++number) {
        std::string name = prefix + std::to_string(number);
        const bool taken = std::any_of(sandbox.endpoints.begin(), sandbox.endpoints.end(),
                                       [&](const Endpoint& one) { return one.interface_name == name; });
        if (!taken) return name;
    }
}

/// With the lengths that Docker gives them.
std::vector<std::string> linkLocalAddresses(const EndpointConfig& config) {
    std::vector<std::string> addresses;
    for (const std::string& text : config.link_local_addresses)
        addresses.push_back(text + (text.find(':') == std::string::npos ? "/16" : "/64"));
    return addresses;
}

/// Calls what a driver may lack.
template <typename Call>
void optional(Call&& call) {
    try {
        call();
    } catch (const Error& failure) {
        if (failure.code() != Code::unimplemented) throw;
    }
}

template <typename Call>
bool tried(const Endpoint& endpoint, const char* what, Call&& call) noexcept {
    try {
        call();
        return true;
    } catch (const std::exception& failure) {
        log::warning("endpoint {} on network {}: {}: {}", shortId(endpoint.id), endpoint.network_name, what, failure.what());
        return false;
    }
}

}  // namespace

/// Keeps a network from being removed while an endpoint on it is being made.
class NetworkController::Pin {
  public:
    Pin(NetworkController& controller, std::string network_id) : controller_(controller), id_(std::move(network_id)) {
        const Lock lock(controller_.mutex_);
        const auto found = controller_.networks_.find(id_);
        if (found == controller_.networks_.end() || found->second.busy) throw error(Code::not_found, "network {} not found", id_);
        ++found->second.users;
    }
    Pin(const Pin&) = delete;
    Pin& operator=(const Pin&) = delete;
    ~Pin() {
        const Lock lock(controller_.mutex_);
        --controller_.networks_.at(id_).users;
    }

  private:
    NetworkController& controller_;
    std::string id_;
};

/// The right to change one sandbox; absent when it is gone.
class NetworkController::Busy {
  public:
    Busy(NetworkController& controller, std::string id) : controller_(controller), id_(std::move(id)) {
        const Lock lock(controller_.mutex_);
        while (true) {
            const auto found = controller_.sandboxes_.find(id_);
            if (found == controller_.sandboxes_.end()) return;
            if (!found->second.busy) {
                found->second.busy = true;
                sandbox_ = found->second.sandbox;
                return;
            }
            controller_.changed_.wait(controller_.mutex_);
        }
    }
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;
    ~Busy() {
        {
            const Lock lock(controller_.mutex_);
            if (const auto found = controller_.sandboxes_.find(id_); found != controller_.sandboxes_.end() && sandbox_)
                found->second.busy = false;
        }
        controller_.changed_.notify_all();
    }
    /// As it was when the right was taken.
    [[nodiscard]] const std::optional<Sandbox>& sandbox() const noexcept { return sandbox_; }

  private:
    NetworkController& controller_;
    const std::string id_;
    std::optional<Sandbox> sandbox_;
};

Endpoint NetworkController::describeEndpoint(const EndpointRequest& request, const Sandbox& sandbox) const {
    const Network network = find(request.network);
    checkEndpointConfig(network, request.config);
    Endpoint endpoint;
    endpoint.id = randomId();
    endpoint.network_id = network.id;
    endpoint.network_name = network.config.name;
    endpoint.config = request.config;
    endpoint.dns_names = request.dns_names;
    endpoint.interface_name = freeName(sandbox, "eth");
    return endpoint;
}

Sandbox NetworkController::describe(const SandboxRequest& request) const {
    Sandbox sandbox;
    sandbox.id = randomId();
    sandbox.container_id = request.container_id;
    sandbox.container_name = request.container_name;
    sandbox.key = options_.exec_root / "netns" / sandbox.id.substr(0, kFileNameLength);
    sandbox.ports = request.ports;
    sandbox.name_servers = request.name_servers;
    for (const EndpointRequest& one : request.endpoints) sandbox.endpoints.push_back(describeEndpoint(one, sandbox));
    return sandbox;
}

Sandbox NetworkController::open(const SandboxRequest& request) {
    try {
        return build(request);
    } catch (const Error& failure) {
        // An address or a port may still belong to a run that is over.
        log::debug("sandbox of {}: {}", shortId(request.container_id), failure.text());
        if (!sweepRetired()) throw;
    }
    return build(request);
}

Sandbox NetworkController::build(const SandboxRequest& request) {
    Sandbox sandbox = describe(request);
    std::vector<std::unique_ptr<Pin>> pins;
    for (const Endpoint& endpoint : sandbox.endpoints) pins.push_back(std::make_unique<Pin>(*this, endpoint.network_id));
    rows_.insert(sandbox);
    DAVIT_FAILPOINT("sandbox.intent");
    const std::vector<Endpoint> wanted = std::exchange(sandbox.endpoints, {});
    Defer undo([&] {
        if (dismantle(sandbox)) return rows_.removeSandbox(sandbox.id);
        sandbox.ending = true;  // what is in the way now may not be later
        rows_.update(sandbox);
        publish(sandbox);
    });
    if (request.namespace_path.empty())
        bindNamespace(spare_namespaces_.take(), sandbox.key);
    else
        adoptNamespace(request.namespace_path, sandbox.key);
    DAVIT_FAILPOINT("sandbox.made");
    for (const Endpoint& one : wanted) {
        Endpoint endpoint = one;
        attach(sandbox, endpoint);
        sandbox.endpoints.push_back(std::move(endpoint));
    }
    updateGateway(sandbox);
    showNames(sandbox);
    DAVIT_FAILPOINT("sandbox.connected");
    rows_.update(sandbox);
    DAVIT_FAILPOINT("sandbox.commit");
    undo.dismiss();
    publish(sandbox);
    return sandbox;
}

void NetworkController::prepare() {
    try {
        spare_namespaces_.refill();
    } catch (const Error& failure) {  // open() will say so again if it lasts
        log::warning("make a network namespace ahead: {}", failure.text());
    }
}

void NetworkController::publish(const Sandbox& sandbox) {
    const Lock lock(mutex_);
    SandboxEntry& entry = sandboxes_[sandbox.id];
    const bool ending = entry.sandbox.ending || sandbox.ending;  // retired while it was being changed
    entry.sandbox = sandbox;
    entry.sandbox.ending = ending;
    if (!ending) by_container_[sandbox.container_id] = sandbox.id;
}

/// Everything of one endpoint up to the interface in the sandbox. When it throws, nothing is left of it.
void NetworkController::attach(const Sandbox& sandbox, Endpoint& endpoint) {
    const std::optional<Network> network = known(endpoint.network_id);
    if (!network) throw error(Code::not_found, "network {} not found", endpoint.network_name);
    restate(network->id);
    const std::shared_ptr<NetworkDriver> driver = driverOf(*network);
    addresses_.assign(*network, endpoint);
    Defer release([&] { addresses_.release(*network, endpoint); });
    DAVIT_FAILPOINT("endpoint.addressed");
    const EndpointInterface made = driver->createEndpoint(
        {.network_id = endpoint.network_id,
         .endpoint_id = endpoint.id,
         .options = endpointOptions(sandbox.ports, endpoint),
         .interface = {.address = endpoint.address, .address_ipv6 = endpoint.address_v6, .mac_address = endpoint.mac_address}});
    Defer remove([&] { driver->deleteEndpoint(endpoint.network_id, endpoint.id); });
    DAVIT_FAILPOINT("endpoint.created");
    endpoint.address = made.address;
    endpoint.address_v6 = made.address_ipv6;
    endpoint.mac_address = made.mac_address;
    if (!endpoint.address_v6.empty()) setIpv6(sandbox.key, true);
    joinSandbox(*driver, sandbox, endpoint);
    Defer leave([&] { driver->leave(endpoint.network_id, endpoint.id); });
    if (const std::vector<std::string> more = linkLocalAddresses(endpoint.config); !more.empty())
        addAddresses(sandbox.key, endpoint.interface_name, more);
    leave.dismiss();
    DAVIT_FAILPOINT("endpoint.joined");
    endpoint.phase = Endpoint::Phase::attached;
    remove.dismiss();
    release.dismiss();
}

void NetworkController::joinSandbox(NetworkDriver& driver, const Sandbox& sandbox, Endpoint& endpoint) {
    const JoinReply reply = driver.join({.network_id = endpoint.network_id,
                                         .endpoint_id = endpoint.id,
                                         .sandbox_key = sandbox.key,
                                         .options = endpointOptions(sandbox.ports, endpoint)});
    Defer leave([&] { driver.leave(endpoint.network_id, endpoint.id); });
    if (!reply.src_name.empty()) {
        if (!reply.dst_prefix.empty()) endpoint.interface_name = freeName(sandbox, reply.dst_prefix);
        LinkMove move{.source = reply.src_name, .name = endpoint.interface_name, .mac_address = endpoint.mac_address, .addresses = {}};
        for (const std::string* address : {&endpoint.address, &endpoint.address_v6})
            if (!address->empty()) move.addresses.push_back(*address);
        moveLink(sandbox.key, move);
        endpoint.host_link = reply.src_name;
    }
    endpoint.gateway = reply.gateway;
    endpoint.gateway_v6 = reply.gateway_ipv6;
    endpoint.routes = reply.static_routes;
    leave.dismiss();
}

void NetworkController::program(Sandbox& sandbox, Endpoint& endpoint) {
    const std::optional<Network> network = known(endpoint.network_id);
    if (!network) return;
    const std::shared_ptr<NetworkDriver> driver = driverOf(*network);
    try {
        optional([&] { driver->programExternalConnectivity(endpoint.network_id, endpoint.id, portOptions(sandbox.ports)); });
    } catch (const Error& failure) {
        throw Error(failure.code(), fmt::format("driver failed programming external connectivity on endpoint {} ({}): {}",
                                                sandbox.container_name, endpoint.id, failure.text()));
    }
    endpoint.external = true;
    if (!sandbox.ports.bindings.empty()) endpoint.ports = publishedPorts(driver->endpointInfo(endpoint.network_id, endpoint.id));
}

void NetworkController::revoke(Endpoint& endpoint) noexcept {
    if (!endpoint.external) return;
    (void)tried(endpoint, "revoke external connectivity", [&] {
        if (const std::optional<Network> network = known(endpoint.network_id))
            optional([&] { driverOf(*network)->revokeExternalConnectivity(endpoint.network_id, endpoint.id); });
    });
    endpoint.external = false;
    endpoint.ports.clear();
}

/// Makes routes and external connectivity those of the endpoint whose gateway the sandbox has now.
void NetworkController::updateGateway(Sandbox& sandbox) {
    Endpoint* const gateway = sandbox.gatewayEndpoint();
    RouteChange change;
    for (const Endpoint& endpoint : sandbox.endpoints)
        for (const StaticRoute& route : endpoint.routes) change.routes.emplace_back(endpoint.interface_name, route);
    if (gateway != nullptr) {
        change.gateway = gateway->gateway;
        change.gateway_v6 = gateway->gateway_v6;
    }
    setRoutes(sandbox.key, change);
    for (Endpoint& endpoint : sandbox.endpoints)
        if (&endpoint != gateway) revoke(endpoint);
    if (gateway != nullptr && !gateway->external) program(sandbox, *gateway);
}

/// True when nothing of the endpoint is left. Calls are repeated by later sweeps: drivers don't mind.
bool NetworkController::detach(const Sandbox& sandbox, const Endpoint& endpoint) noexcept {
    return tried(endpoint, "remove", [&] {
        const std::optional<Network> network = known(endpoint.network_id);
        if (!network) return;
        const std::shared_ptr<NetworkDriver> driver = driverOf(*network);
        if (endpoint.external)
            optional([&] { driver->revokeExternalConnectivity(endpoint.network_id, endpoint.id); });
        // A device that outlives the namespace belongs to its driver again.
        if (!endpoint.host_link.empty() && std::filesystem::exists(sandbox.key))
            (void)tried(endpoint, "give its link back", [&] { returnLink(sandbox.key, endpoint.interface_name, endpoint.host_link); });
        driver->leave(endpoint.network_id, endpoint.id);
        driver->deleteEndpoint(endpoint.network_id, endpoint.id);
        addresses_.release(*network, endpoint);
    });
}

/// Of a sandbox that goes on: drivers may remove links later, but here the name has to be free and the network unreachable.
void NetworkController::detachLive(const Sandbox& sandbox, const Endpoint& endpoint) noexcept {
    (void)detach(sandbox, endpoint);
    (void)tried(endpoint, "remove its interface", [&] { removeLink(sandbox.key, endpoint.interface_name); });
}

/// What is gone is taken from the sandbox, so that it isn't given back twice. True when everything is gone.
bool NetworkController::dismantle(Sandbox& sandbox) noexcept {
    hideNames(sandbox.id);
    std::erase_if(sandbox.endpoints, [&](const Endpoint& endpoint) { return detach(sandbox, endpoint); });
    try {
        removeNamespace(sandbox.key);
    } catch (const std::exception& failure) {
        log::warning("sandbox {}: {}", sandbox.id, failure.what());
        return false;
    }
    return sandbox.endpoints.empty();
}

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
    const std::optional<Sandbox> current = sandboxOf(container_id);
    if (!current) throw error(Code::conflict, "container {} has no network sandbox", container_id);
    const Busy busy(*this, current->id);
    if (!busy.sandbox() || busy.sandbox()->ending) throw error(Code::conflict, "container {} is not running", container_id);
    try {
        return extend(*busy.sandbox(), request);
    } catch (const Error& failure) {
        if (failure.code() == Code::forbidden || !sweepRetired()) throw;
    }
    return extend(*busy.sandbox(), request);
}

Sandbox NetworkController::disconnect(const std::string& container_id, const std::string& network_id) {
    const std::optional<Sandbox> current = sandboxOf(container_id);
    if (!current) throw error(Code::conflict, "container {} has no network sandbox", container_id);
    const Busy busy(*this, current->id);
    if (!busy.sandbox() || busy.sandbox()->ending) throw error(Code::conflict, "container {} is not running", container_id);
    Sandbox sandbox = *busy.sandbox();
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
    const std::optional<Sandbox> current = sandboxOf(container_id);
    if (!current) throw error(Code::conflict, "container {} has no network sandbox", container_id);
    const Busy busy(*this, current->id);
    if (!busy.sandbox() || busy.sandbox()->ending) throw error(Code::conflict, "container {} is not running", container_id);
    Sandbox sandbox = *busy.sandbox();
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

void NetworkController::removeRemains(const std::string& container_name, const std::string& network_id) {
    std::vector<std::string> remains;
    {
        const Lock lock(mutex_);
        for (auto& [id, entry] : sandboxes_)
            if (entry.sandbox.ending && entry.sandbox.container_name == container_name && entry.sandbox.find(network_id) != nullptr)
                remains.push_back(id);
    }
    if (remains.empty()) throw error(Code::not_found, "endpoint {} not found", container_name);
    for (const std::string& id : remains) sweep(id);
}

std::optional<std::string> NetworkController::retire(const std::string& container_id) {
    std::string id;
    {
        const Lock lock(mutex_);
        const auto found = by_container_.find(container_id);
        if (found == by_container_.end()) return std::nullopt;
        id = std::move(found->second);
        by_container_.erase(found);
        sandboxes_.at(id).sandbox.ending = true;
    }
    hideNames(id);
    return id;
}

void NetworkController::sweep(const std::string& sandbox_id) {
    const Busy busy(*this, sandbox_id);
    if (!busy.sandbox()) return;
    Sandbox sandbox = *busy.sandbox();
    if (!dismantle(sandbox)) {
        rows_.update(sandbox);
        return publish(sandbox);
    }
    DAVIT_FAILPOINT("sandbox.dismantled");
    rows_.removeSandbox(sandbox_id);
    const Lock lock(mutex_);
    sandboxes_.erase(sandbox_id);
}

bool NetworkController::sweepRetired() { return sweepRetired({}); }

bool NetworkController::sweepRetired(const std::string& network_id) {
    std::vector<std::string> retired;
    {
        const Lock lock(mutex_);
        for (auto& [id, entry] : sandboxes_)
            if (entry.sandbox.ending && (network_id.empty() || entry.sandbox.find(network_id) != nullptr)) retired.push_back(id);
    }
    for (const std::string& id : retired) sweep(id);
    return !retired.empty();
}

}  // namespace davit::network
