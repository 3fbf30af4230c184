#include "parent_link_driver.hpp"

#include <utility>

#include "base/check.hpp"
#include "base/defer.hpp"
#include "base/json.hpp"
#include "davit/wire_network.hpp"
#include "host_link.hpp"
#include "linux/netlink/links.hpp"
#include "parent.hpp"
#include "sandbox_link.hpp"

namespace davit::parent_link {
namespace {

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

bool ParentLinkDriver::checkConflicts(const Network& network, const std::string& request) const {
    for (const KnownNetwork& known : networks_.all()) {
        const std::string& id = known.network.id;
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
    Defer undo([&]() DAVIT_REQUIRES(changing_) { removeUnusedParent(network.parent); });
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
    networks_.put(network.id, {network, text});
    forget.dismiss();
}

void ParentLinkDriver::removeUnusedParent(const std::string& name) {
    for (const KnownNetwork& known : networks_.all())
        if (known.network.parent == name) return;
    removeParent(name);
}

void ParentLinkDriver::deleteNetwork(const std::string& network_id) {
    const Lock changing(changing_);
    const auto known = networks_.find(network_id);
    if (!known) return removePlaceholder(kind_, network_id);
    endpoints_.requireNoneOn(network_id);
    networks_.erase(network_id);
    Defer undo([&] { networks_.put(network_id, *known); });
    reaper_.flush();
    removeHostLink(kind_, known->network);
    removeUnusedParent(known->network.parent);
    state_.erase("network/" + network_id, Sync::yes);
    undo.dismiss();
}

Network ParentLinkDriver::network(const std::string& id) const {
    auto found = networks_.find(id);
    if (!found) throw error(Code::not_found, "network id \"{}\" not found", id);
    return std::move(found->network);
}

Endpoint ParentLinkDriver::endpoint(const std::string& network_id, const std::string& id) const {
    auto found = endpoints_.find(network_id, id);
    if (!found) throw error(Code::not_found, "could not find endpoint with id {}", id);
    return std::move(*found);
}

Endpoint ParentLinkDriver::describe(const CreateEndpoint& request, const Network& on) const {
    auto made = readEndpoint<Endpoint>(request);
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
    const Endpoint made = endpoints_.add(describe(request, network(request.network_id)));
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
    const auto known = endpoints_.find(network_id, endpoint_id);
    if (!known) return;
    if (known->sandbox.empty()) detach({{}, known->hostLink(), known->alias()});
    endpoints_.erase(endpoint_id);
}

}  // namespace davit::parent_link
