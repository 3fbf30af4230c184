#include "bridge_driver.hpp"

#include <filesystem>
#include <utility>

#include "base/check.hpp"
#include "base/defer.hpp"
#include "base/json.hpp"
#include "bridge_link.hpp"
#include "common/link_removal.hpp"
#include "common/options.hpp"
#include "davit/wire_network.hpp"
#include "endpoint_link.hpp"
#include "firewalld.hpp"
#include "forwarding.hpp"

namespace davit::bridge {
namespace {

std::string networkRecord(const std::string& request, bool adopted) {
    json::Writer out;
    out.object([&] {
        out.key("Request");
        out.raw(request);
        out.member("Adopted", adopted);
    });
    return out.take();
}

// Derived from the address, so that a container that comes back is known to its neighbours.
linux::MacAddress chooseMac(const CreateEndpoint& request, const std::optional<IpPrefix>& ipv4) {
    if (request.interface.mac_address.empty())
        return ipv4 ? linux::MacAddress::ofAddress(ipv4->address) : linux::MacAddress::random();
    const auto mac = linux::MacAddress::parse(request.interface.mac_address);
    if (!mac) throw error(Code::invalid, "invalid MAC address \"{}\"", request.interface.mac_address);
    return *mac;
}

std::string gatewayOf(const Network& network, const std::optional<Subnet>& subnet) {
    if (subnet && subnet->default_gateway && !network.internal) return subnet->default_gateway->text();
    const bool none = network.internal || !subnet || !subnet->gateway || subnet->mode == GatewayMode::isolated;
    return none ? std::string() : subnet->gateway->address.text();
}

}  // namespace

NetworkCapabilities BridgeDriver::capabilities() {
    NetworkCapabilities abilities;
    abilities.gateway_alloc_check = true;
    abilities.repeatable = true;
    return abilities;
}

GatewayAllocation BridgeDriver::gatewayAllocCheck(const JsonOptions& options) {
    const Network network = readNetwork({.network_id = "000000000000", .options = options,
                                         .ipv4 = {{.pool = "0.0.0.0/0"}}, .ipv6 = {{.pool = "::/0"}}});
    const auto skip = [](const std::optional<Subnet>& subnet) { return subnet && subnet->mode == GatewayMode::isolated; };
    return {.skip_ipv4 = skip(network.ipv4), .skip_ipv6 = skip(network.ipv6)};
}

bool BridgeDriver::checkConflicts(const Network& network, const std::string& request) const {
    const auto overlap = [](const std::optional<Subnet>& one, const std::optional<Subnet>& other) {
        return one && other && one->pool.overlaps(other->pool);
    };
    for (const KnownNetwork& known : networks_.all()) {
        const std::string& id = known.network.id;
        if (id == network.id && known.request == request) return true;
        const char* why = id == network.id                            ? "networks have same id"
                          : known.network.bridge == network.bridge    ? "networks have same bridge name"
                          : overlap(known.network.ipv4, network.ipv4) ? "networks have overlapping IPv4"
                          : overlap(known.network.ipv6, network.ipv6) ? "networks have overlapping IPv6"
                                                                      : nullptr;
        if (why != nullptr)
            throw error(Code::forbidden, "cannot create network {} ({}): conflicts with network {} ({}): {}", network.id,
                        network.bridge, id, known.network.bridge, why);
    }
    return false;
}

void BridgeDriver::ensureForwarding(const Network& network) {
    if (network.internal || !ip_forward_) return;
    for (const IpFamily family : {IpFamily::v4, IpFamily::v6}) {
        if (!network.subnet(family) || forwards(family)) continue;
        if (drop_foreign_) {
            // In this order: there is no moment in which this host is an open router.
            firewall_.dropForeign(family);
            state_.put(family == IpFamily::v4 ? "forwarding/ipv4" : "forwarding/ipv6", json::quote(bootId()), Sync::yes);
        }
        switchForwardingOn(family);
    }
}

void BridgeDriver::createNetwork(const CreateNetwork& request) {
    const Network network = readNetwork(request);
    const std::string text = wire::encode(request);
    const Lock changing(changing_);
    if (checkConflicts(network, text)) return;
    watch_.begin();
    const MadeBridge made = setUpBridge(network);
    Defer undo([&] {
        firewall_.removeNetwork(network.id);
        if (!made.adopted) removeLink(network.bridge);
    });
    firewall_.addNetwork(network);
    ensureForwarding(network);
    state_.put("network/" + network.id, networkRecord(text, made.adopted), Sync::yes);
    networks_.put(network.id, {network, text, made.adopted});
    undo.dismiss();
    meetOthers([&network] { admitToFirewalld({network.bridge}); });
}

void BridgeDriver::meetOthers() {
    firewall_.meetOthers(Firewall::Look::always);
    std::set<std::string> bridges;
    for (const KnownNetwork& known : networks_.all()) bridges.insert(known.network.bridge);
    admitToFirewalld(bridges);
}

void BridgeDriver::meetOthers(const std::function<void()>& zones) noexcept {
    try {
        firewall_.meetOthers(Firewall::Look::if_it_matters);
        zones();
    } catch (const std::exception& e) {
        warn(fmt::format("beside the rules of others: {}", e.what()));
    }
}

void BridgeDriver::deleteNetwork(const std::string& network_id) {
    const Lock changing(changing_);
    endpoints_.requireNoneOn(network_id);
    const auto known = networks_.find(network_id);
    // A process that died before it could note the network may have left its bridge.
    if (!known) return removeBridgeOf(network_id);
    if (!known->adopted) removeLink(known->network.bridge);
    firewall_.removeNetwork(network_id);
    state_.erase("network/" + network_id, Sync::yes);
    networks_.erase(network_id);
    meetOthers([&known] { dismissFromFirewalld(known->network.bridge); });
}

Network BridgeDriver::network(const std::string& id) const {
    auto found = networks_.find(id);
    if (!found) throw error(Code::not_found, "network {} not found", id);
    return std::move(found->network);
}

Endpoint BridgeDriver::endpoint(const std::string& network_id, const std::string& id) const {
    auto found = endpoints_.find(network_id, id);
    if (!found) throw error(Code::not_found, "endpoint {} not found", id);
    return std::move(*found);
}

EndpointInterface BridgeDriver::createEndpoint(const CreateEndpoint& request) {
    (void)network(request.network_id);
    (void)readRates({}, request.options);
    auto made = readEndpoint<Endpoint>(request);
    made.mac = chooseMac(request, made.ipv4);
    made = endpoints_.add(made);
    EndpointInterface reply;
    if (request.interface.mac_address.empty()) reply.mac_address = made.mac.text();
    return reply;
}

JsonOptions BridgeDriver::endpointInfo(const std::string& network_id, const std::string& endpoint_id) {
    const Endpoint known = endpoint(network_id, endpoint_id);
    JsonOptions info{{"com.docker.network.portmap", toJson(known.ports)},
                     {"com.docker.network.endpoint.macaddress", json::quote(known.mac.text())}};
    if (known.interface.empty()) return info;
    // What the host's end received is what the container sent.
    if (const auto link = linux::findLink(known.hostLink())) {
        info["com.davit.rx-bytes"] = std::to_string(link->traffic.sent_bytes);
        info["com.davit.rx-packets"] = std::to_string(link->traffic.sent_packets);
        info["com.davit.tx-bytes"] = std::to_string(link->traffic.received_bytes);
        info["com.davit.tx-packets"] = std::to_string(link->traffic.received_packets);
    }
    return info;
}

void BridgeDriver::deleteEndpoint(const std::string& network_id, const std::string& endpoint_id) {
    auto known = endpoints_.find(network_id, endpoint_id);
    if (!known) return;
    revoke(*known);
    if (!known->interface.empty()) reaper_.remove(known->hostLink());
    endpoints_.erase(endpoint_id);
}

JoinReply BridgeDriver::join(const JoinRequest& request) {
    const Network on = network(request.network_id);
    Endpoint joined = endpoint(request.network_id, request.endpoint_id);
    joined.sandbox = request.sandbox_key;
    joined.rates = readRates({}, request.options);
    joined.interface = plainOption(request.options, "com.docker.network.endpoint.ifname");
    // dockerd lets its runtime make the sandbox after this call, and names no interface.
    const bool loose = joined.interface.empty() && !std::filesystem::exists(request.sandbox_key);
    if (loose) joined.interface = joined.looseLink();
    if (joined.interface.empty()) joined.interface = freeInterfaceName(request.sandbox_key, on.interface_prefix);
    const std::string settings = plainOption(request.options, "com.docker.network.endpoint.sysctls");
    reaper_.flush([&joined](const std::string& link) { return link == joined.hostLink(); });
    (loose ? attachLoose : attach)({.network = on,
                                    .endpoint = joined,
                                    .sandbox = request.sandbox_key,
                                    .settings = readSettings(settings, joined.interface)});
    Defer undo([&] { removeLink(joined.hostLink()); });
    if (joined.rates != Rates{}) limitRates(joined);
    endpoints_.keep(joined);
    undo.dismiss();
    JoinReply reply;
    if (loose) {
        reply.src_name = joined.looseLink();
        reply.dst_prefix = on.interface_prefix;
    }
    if (joined.ipv4) reply.gateway = gatewayOf(on, on.ipv4);
    if (joined.ipv6) reply.gateway_ipv6 = gatewayOf(on, on.ipv6);
    reply.disable_gateway_service = true;
    return reply;
}

void BridgeDriver::leave(const std::string& network_id, const std::string& endpoint_id) {
    auto known = endpoints_.find(network_id, endpoint_id);
    if (!known) return;
    revoke(*known);
    if (known->interface.empty()) return;
    reaper_.remove(known->hostLink());
    known->interface.clear();
    endpoints_.keepReduced(*known);
}

void BridgeDriver::updateEndpoint(const std::string& network_id, const std::string& endpoint_id, const JsonOptions& options) {
    for (const auto& [name, value] : options)
        if (name != "com.davit.rate-in" && name != "com.davit.rate-out") throw error(Code::invalid, "option {} of an endpoint can't be changed", name);
    Endpoint known = endpoint(network_id, endpoint_id);
    const Rates before = std::exchange(known.rates, readRates(known.rates, options));
    if (known.interface.empty()) return endpoints_.keep(known);
    Defer undo([&] {
        known.rates = before;
        limitRates(known);
    });
    limitRates(known);
    endpoints_.keep(known);
    undo.dismiss();
}

}  // namespace davit::bridge
