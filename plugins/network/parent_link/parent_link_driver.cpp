#include "parent_link_driver.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "base/defer.hpp"
#include "base/json.hpp"
#include "common/options.hpp"
#include "davit/wire_network.hpp"
#include "host_link.hpp"
#include "linux/netlink/links.hpp"
#include "parent.hpp"
#include "sandbox_link.hpp"

namespace davit::parent_link {
namespace {

constexpr const char* kPrefix = "eth";

std::optional<IpPrefix> readAddress(const std::string& text, IpFamily family) {
    if (text.empty()) return std::nullopt;
    const auto address = IpPrefix::parse(text);
    if (!address || address->address.family != family) throw error(Code::invalid, "invalid address \"{}\" of an endpoint", text);
    return address;
}

bool hasElements(const JsonOptions& options, const char* name) {
    const auto found = options.find(name);
    if (found == options.end()) return false;
    const json::Document document = json::Document::parse(found->second);
    const auto elements = document.root().array();
    return elements.begin() != elements.end();
}

}  // namespace

NetworkCapabilities ParentLinkDriver::capabilities() {
    NetworkCapabilities abilities;
    abilities.connectivity_scope = "global";
    abilities.gateway_alloc_check = true;
    return abilities;
}

GatewayAllocation ParentLinkDriver::gatewayAllocCheck(const JsonOptions& options) {
    JsonOptions families = options;
    families.erase("com.docker.network.enable_ipv4");
    families.erase("com.docker.network.enable_ipv6");
    const Network asked = readNetwork(kind_, {.network_id = "000000000000", .options = families, .ipv4 = {}, .ipv6 = {}});
    const bool skip = asked.internal || asked.mode.routed;
    return {.skip_ipv4 = skip, .skip_ipv6 = skip};
}

bool ParentLinkDriver::checkConflicts(const Network& network, const std::string& request) {
    const Lock lock(mutex_);
    for (const auto& [id, known] : networks_) {
        if (id == network.id) {
            if (known.request == request) return true;
            throw error(Code::conflict, "{} network {} exists already", kind_.name, id);
        }
        const std::string& parent = network.parent;
        if (known.network.parent != parent) continue;
        if (!kind_.shares_parent)
            throw error(Code::forbidden, "network {}{} is already using parent interface {}", kind_.placeholder_prefix, id.substr(0, 12), parent);
        if (network.mode.exclusive)
            throw error(Code::forbidden, "cannot use mode passthru, {} network {} is already using parent interface {}", kind_.name, id, parent);
        if (known.network.mode.exclusive)
            throw error(Code::forbidden, "{} network {} is already using parent interface {} in mode passthru", kind_.name, id, parent);
    }
    return false;
}

void ParentLinkDriver::make(const Network& network) {
    const int parent = ensureParent(kind_, network);
    Defer undo([&] { removeUnusedParent(network.parent); });
    checkHostAddresses(kind_, network);
    setUpHostLink(kind_, network, parent);
    undo.dismiss();
}

// The record comes before the links: whoever made them is known after a crash, and each says by itself that it was made here.
void ParentLinkDriver::createNetwork(const CreateNetwork& request) {
    const Network network = readNetwork(kind_, request);
    const std::string text = wire::encode(request);
    const Lock changing(changing_);
    if (checkConflicts(network, text)) return;
    state_.put("network/" + network.id, text, Sync::yes);
    Defer forget([&] { state_.erase("network/" + network.id, Sync::yes); });
    make(network);
    const Lock lock(mutex_);
    networks_[network.id] = {network, text};
    forget.dismiss();
}

void ParentLinkDriver::removeUnusedParent(const std::string& name) {
    {
        const Lock lock(mutex_);
        for (const auto& [id, known] : networks_)
            if (known.network.parent == name) return;
    }
    removeParent(name);
}

void ParentLinkDriver::deleteNetwork(const std::string& network_id) {
    const Lock changing(changing_);
    KnownNetwork known;
    {
        const Lock lock(mutex_);
        const auto found = networks_.find(network_id);
        if (found == networks_.end()) return removePlaceholder(kind_, network_id);
        for (const auto& [id, endpoint] : endpoints_)
            if (endpoint.network_id == network_id) throw error(Code::forbidden, "network {} has active endpoints", network_id);
        known = found->second;
        networks_.erase(found);
    }
    Defer undo([&] {
        const Lock lock(mutex_);
        networks_[network_id] = known;
    });
    reaper_.flush();
    removeHostLink(kind_, known.network);
    removeUnusedParent(known.network.parent);
    state_.erase("network/" + network_id, Sync::yes);
    undo.dismiss();
}

ParentLinkDriver::KnownNetwork ParentLinkDriver::network(const std::string& id) {
    const Lock lock(mutex_);
    const auto found = networks_.find(id);
    if (found == networks_.end()) throw error(Code::not_found, "network id \"{}\" not found", id);
    return found->second;
}

std::optional<Endpoint> ParentLinkDriver::findEndpoint(const std::string& id) {
    const Lock lock(mutex_);
    const auto found = endpoints_.find(id);
    return found == endpoints_.end() ? std::nullopt : std::optional(found->second);
}

Endpoint ParentLinkDriver::endpoint(const std::string& network_id, const std::string& id) {
    auto found = findEndpoint(id);
    if (!found || found->network_id != network_id) throw error(Code::not_found, "could not find endpoint with id {}", id);
    return std::move(*found);
}

void ParentLinkDriver::keep(const Endpoint& endpoint) {
    state_.put("endpoint/" + endpoint.id, toJson(endpoint));
    const Lock lock(mutex_);
    endpoints_[endpoint.id] = endpoint;
}

Endpoint ParentLinkDriver::describe(const CreateEndpoint& request, const Network& on) const {
    if (!plainId(request.endpoint_id)) throw error(Code::invalid, "invalid endpoint id \"{}\"", request.endpoint_id);
    Endpoint made{.id = request.endpoint_id,
                  .network_id = request.network_id,
                  .ipv4 = readAddress(request.interface.address, IpFamily::v4),
                  .ipv6 = readAddress(request.interface.address_ipv6, IpFamily::v6)};
    const std::string& asked = request.interface.mac_address;
    if (!asked.empty()) {
        if (!kind_.own_mac) throw error(Code::invalid, "{} interfaces do not support custom mac address assignment", kind_.name);
        made.mac = linux::MacAddress::parse(asked);
        if (!made.mac) throw error(Code::invalid, "invalid MAC address \"{}\"", asked);
        made.mac_chosen = true;
    } else if (on.mode.exclusive) {
        if (const auto parent = linux::findLink(on.parent)) made.mac = parent->mac;
    } else if (kind_.own_mac) {
        // Derived from the address, so that a container that comes back is known to its neighbours.
        made.mac = made.ipv4 ? linux::MacAddress::ofAddress(made.ipv4->address) : linux::MacAddress::random();
    }
    return made;
}

EndpointInterface ParentLinkDriver::createEndpoint(const CreateEndpoint& request) {
    const Network on = network(request.network_id).network;
    Endpoint made = describe(request, on);
    if (const auto known = findEndpoint(made.id)) {
        if (known->network_id != made.network_id || known->ipv4 != made.ipv4 || known->ipv6 != made.ipv6)
            throw error(Code::conflict, "endpoint {} exists already", made.id);
        made = *known;
    } else {
        keep(made);
    }
    if (hasElements(request.options, "com.docker.network.portmap"))
        warn(fmt::format("{} driver does not support port mappings", kind_.name));
    EndpointInterface reply;
    if (request.interface.mac_address.empty() && made.mac) reply.mac_address = made.mac->text();
    return reply;
}

JsonOptions ParentLinkDriver::endpointInfo(const std::string& network_id, const std::string& endpoint_id) {
    const Endpoint known = endpoint(network_id, endpoint_id);
    if (!known.mac) return {};
    return {{"com.docker.network.endpoint.macaddress", json::quote(known.mac->text())}};
}

void ParentLinkDriver::deleteEndpoint(const std::string& network_id, const std::string& endpoint_id) {
    leave(network_id, endpoint_id);
    const auto known = findEndpoint(endpoint_id);
    if (!known || known->network_id != network_id) return;
    if (known->sandbox.empty()) detach({{}, known->hostLink(), known->alias()});
    state_.erase("endpoint/" + endpoint_id);
    const Lock lock(mutex_);
    endpoints_.erase(endpoint_id);
}

void ParentLinkDriver::checkRoom(const Network& on, const Endpoint& joining) {
    const Lock lock(mutex_);
    for (const auto& [id, other] : endpoints_) {
        const auto other_network = networks_.find(other.network_id);
        const bool beside = id != joining.id && other.joined() && other_network != networks_.end() &&
                            other_network->second.network.parent == on.parent;
        if (!beside) continue;
        if (on.mode.exclusive)
            throw error(Code::conflict, "failed to create the {} port: parent interface {} in mode passthru has the endpoint {} already",
                        kind_.name, on.parent, id.substr(0, 12));
        if (joining.mac && joining.mac == other.mac)
            throw error(Code::conflict, "MAC address {} is in use on parent interface {}", joining.mac->text(), on.parent);
    }
}

int ParentLinkDriver::parentFor(const Network& on) {
    const Lock changing(changing_);
    const int parent = requireParent(kind_, on);
    setUpHostLink(kind_, on, parent);
    return parent;
}

void ParentLinkDriver::connect(const Network& on, const Endpoint& joining, const JoinRequest& request, bool repeated) {
    const std::string settings = plainOption(request.options, "com.docker.network.endpoint.sysctls");
    const Attachment attachment{.kind = kind_,
                                .network = on,
                                .endpoint = joining,
                                .parent = parentFor(on),
                                .repeated = repeated,
                                .settings = readSettings(settings, joining.interface),
                                .in_the_way = [this] { reaper_.flush(); }};
    joining.sandbox.empty() ? attachForEngine(attachment) : attach(attachment);
    Defer undo([&] { detach({joining.sandbox, joining.interface, joining.alias()}); });
    addHostRoutes(kind_, on, joining);
    undo.dismiss();
}

JoinReply ParentLinkDriver::gatewaysOf(const Network& on, const Endpoint& joined) const {
    JoinReply reply;
    reply.disable_gateway_service = true;
    if (on.internal) return reply;
    const auto gateway = [&](const std::optional<IpPrefix>& address, const char* everything, std::string& into) {
        if (!address) return;
        const Subnet* subnet = on.subnetOf(*address);
        if (subnet == nullptr)
            throw error(Code::invalid, "could not find a valid {} subnet for endpoint {}",
                        address->address.family == IpFamily::v4 ? "ipv4" : "ipv6", joined.id);
        if (on.mode.routed)
            reply.static_routes.push_back({.destination = everything, .route_type = 1, .next_hop = {}});
        else if (subnet->gateway)
            into = subnet->gateway->text();
    };
    gateway(joined.ipv4, "0.0.0.0/0", reply.gateway);
    gateway(joined.ipv6, "::/0", reply.gateway_ipv6);
    return reply;
}

// The record comes before the link: a process that dies in between knows of it afterwards.
JoinReply ParentLinkDriver::join(const JoinRequest& request) {
    const Network on = network(request.network_id).network;
    const Endpoint before = endpoint(request.network_id, request.endpoint_id);
    Endpoint joining = before;
    JoinReply reply = gatewaysOf(on, joining);
    const bool later = !sandboxLives(request.sandbox_key);
    joining.sandbox = later ? std::string() : request.sandbox_key;
    const bool repeated = before.joined() && before.sandbox == joining.sandbox;
    joining.interface = later ? joining.hostLink() : plainOption(request.options, "com.docker.network.endpoint.ifname");
    if (joining.interface.empty()) joining.interface = repeated ? before.interface : freeInterfaceName(request.sandbox_key, kPrefix);
    if (later) {
        reply.src_name = joining.interface;
        reply.dst_prefix = kPrefix;
    }
    checkRoom(on, joining);
    reaper_.flush([&joining](const SandboxLink& link) { return link.alias == joining.alias(); });  // the next sandbox may have the path of the last one
    keep(joining);
    Defer undo([&] {
        joining.interface.clear();
        keep(joining);
    });
    connect(on, joining, request, repeated && before.interface == joining.interface);
    undo.dismiss();
    return reply;
}

void ParentLinkDriver::disconnect(const Network* on, const Endpoint& joined) {
    if (on != nullptr) removeHostRoutes(kind_, *on, joined);
    SandboxLink link{joined.sandbox, joined.interface, joined.alias()};
    // The next endpoint waits for an exclusive parent.
    if (on != nullptr && on->mode.exclusive && !link.sandbox.empty())
        detach(link);
    else
        reaper_.remove(std::move(link));
}

void ParentLinkDriver::leave(const std::string& network_id, const std::string& endpoint_id) {
    auto known = findEndpoint(endpoint_id);
    if (!known || known->network_id != network_id || !known->joined()) return;
    std::optional<Network> on;
    {
        const Lock lock(mutex_);
        if (const auto found = networks_.find(network_id); found != networks_.end()) on = found->second.network;
    }
    disconnect(on ? &*on : nullptr, *known);
    known->interface.clear();
    keep(*known);
}

}  // namespace davit::parent_link
