// An endpoint's way into a sandbox and out of it.
#include "base/check.hpp"
#include "base/defer.hpp"
#include "common/options.hpp"
#include "host_link.hpp"
#include "parent.hpp"
#include "parent_link_driver.hpp"
#include "sandbox_link.hpp"

namespace davit::parent_link {
namespace {

constexpr const char* kPrefix = "eth";

}  // namespace

void ParentLinkDriver::checkRoom(const Network& on, const Endpoint& joining) const {
    for (const Endpoint& other : endpoints_.all()) {
        if (other.id == joining.id || !other.joined()) continue;
        const auto other_network = networks_.find(other.network_id);
        if (!other_network || other_network->network.parent != on.parent) continue;
        if (on.mode.exclusive)
            throw error(Code::conflict, "failed to create the {} port: parent interface {} in mode passthru has the endpoint {} already",
                        kind_.name, on.parent, other.id.substr(0, 12));
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
    const Network on = network(request.network_id);
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
    endpoints_.keep(joining);
    Defer undo([&] {
        joining.interface.clear();
        endpoints_.keep(joining);
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
    auto known = endpoints_.find(network_id, endpoint_id);
    if (!known || !known->joined()) return;
    const auto on = networks_.find(network_id);
    disconnect(on ? &on->network : nullptr, *known);
    known->interface.clear();
    endpoints_.keep(*known);
}

}  // namespace davit::parent_link
