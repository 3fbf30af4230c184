// One endpoint of a sandbox: from its address to its interface and its ports, and back.
#include <algorithm>

#include "base/check.hpp"
#include "base/defer.hpp"
#include "base/failpoint.hpp"
#include "base/id.hpp"
#include "base/log.hpp"
#include "network/controller.hpp"
#include "network/driver_options.hpp"
#include "network/net_namespace.hpp"

namespace davit::network {
namespace {

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

}  // namespace davit::network
