#include <algorithm>

#include "base/ip.hpp"
#include "conformance/network_world.hpp"
#include "linux/netlink/in_namespace.hpp"
#include "linux/netlink/links.hpp"

namespace davit::conformance {
namespace {

using Target = NetworkTarget;

// A driver that leaves its link on the host for the engine to move; what is in the sandbox then is the engine's work.
bool leavesLinkToEngine(const JoinReply& reply) { return !reply.src_name.empty(); }

void requireOwnLinks(const JoinReply& reply) {
    if (leavesLinkToEngine(reply)) throw Skipped("its links are moved by the engine");
}

void joinMakesInterface(Target& t) {
    requireEndpoints(t);
    const TestNetwork network(t, {.ipv6 = true});
    const TestEndpoint endpoint(network);
    const TestSandbox sandbox;
    const JoinReply reply = endpoint.join(sandbox, "eth3");
    if (leavesLinkToEngine(reply)) {
        expect(hostLinks().contains(reply.src_name), "the host has no link " + reply.src_name);
        expect(!reply.dst_prefix.empty(), "a link without a name for the sandbox");
        return;
    }
    expect(sandbox.links() == std::set<std::string>{"eth3"}, "the sandbox hasn't exactly the link eth3");
    std::vector<IpPrefix> addresses;
    linux::Link link;
    linux::inNetworkNamespace(sandbox.fd(), [&] {
        link = linux::findLink("eth3").value();
        addresses = linux::addressesOf(link.index);
    });
    expect(link.up, "the interface isn't up");
    for (const std::string& address : {endpoint.request().interface.address, endpoint.request().interface.address_ipv6})
        expect(std::find(addresses.begin(), addresses.end(), IpPrefix::parse(address)) != addresses.end(), "the interface hasn't " + address);
    if (!endpoint.reply().mac_address.empty()) expect(link.mac.text() == endpoint.reply().mac_address, "its MAC address is " + link.mac.text());
}

void leaveRemovesInterface(Target& t) {
    requireEndpoints(t);
    const auto before = hostLinks();
    TestNetwork network(t);
    {
        const TestEndpoint endpoint(network);
        const TestSandbox sandbox;
        for (int round = 0; round < 2; ++round) {
            const JoinReply reply = endpoint.join(sandbox);
            endpoint.leave();
            endpoint.leave();
            if (!leavesLinkToEngine(reply)) expect(eventually([&] { return sandbox.links().empty(); }), "the interface is still there");
        }
    }
    network.remove();
    expect(eventually([&] { return noLinksBeyond(before); }), "links were left on the host");
}

void joinTwice(Target& t) {
    requireEndpoints(t);
    const TestNetwork network(t);
    const TestEndpoint endpoint(network);
    const TestSandbox sandbox;
    const JoinReply first = endpoint.join(sandbox), again = endpoint.join(sandbox);
    expect(first.gateway == again.gateway && first.src_name == again.src_name, "the same request has another answer");
    if (!leavesLinkToEngine(first)) expect(sandbox.links().size() == 1, "there isn't exactly one interface");
}

void deleteWithoutLeave(Target& t) {
    requireEndpoints(t);
    TestNetwork network(t);
    const TestSandbox sandbox;
    const TestEndpoint endpoint(network);
    requireOwnLinks(endpoint.join(sandbox));
    endpoint.remove();
    expect(eventually([&] { return sandbox.links().empty(); }), "the interface of a deleted endpoint is still there");
    network.remove();
}

void vanishedSandbox(Target& t) {
    requireEndpoints(t);
    const auto before = hostLinks();
    TestNetwork network(t);
    {
        const TestEndpoint endpoint(network);
        {
            const TestSandbox sandbox;
            (void)endpoint.join(sandbox);
        }
        endpoint.leave();
        const TestSandbox next;
        (void)endpoint.join(next);
    }
    network.remove();
    expect(eventually([&] { return noLinksBeyond(before); }), "a sandbox that ended left links on the host");
}

void laterSandbox(Target& t) {
    requireEndpoints(t);
    const auto before = hostLinks();
    TestNetwork network(t);
    {
        const TestEndpoint endpoint(network);
        const TestSandbox sandbox;
        const auto nowhere = [&] {
            return t.driver->join({.network_id = network.id(), .endpoint_id = endpoint.id(), .sandbox_key = "/nonexistent/sandbox", .options = {}});
        };
        try {
            const JoinReply reply = nowhere();
            expect(leavesLinkToEngine(reply) && hostLinks().contains(reply.src_name), "the join made no link for a sandbox that isn't there");
            endpoint.leave();
        } catch (const Error&) {  // it can't do without
        }
        (void)endpoint.join(sandbox);
    }
    network.remove();
    expect(eventually([&] { return noLinksBeyond(before); }), "a join without a sandbox left links on the host");
}

void gateways(Target& t) {
    requireEndpoints(t);
    const TestNetwork network(t, {.ipv6 = true});
    const TestEndpoint endpoint(network);
    const TestSandbox sandbox;
    const JoinReply reply = endpoint.join(sandbox);
    const auto sound = [](const std::string& gateway, const std::string& pool) {
        const auto address = IpAddress::parse(gateway);
        expect(gateway.empty() || (address && IpPrefix::parse(pool)->contains(*address)), "the gateway " + gateway + " isn't in " + pool);
    };
    sound(reply.gateway, network.request().ipv4.front().pool);
    sound(reply.gateway_ipv6, network.request().ipv6.front().pool);
    for (const StaticRoute& route : reply.static_routes) {
        expect(IpPrefix::parse(route.destination).has_value(), "a static route to " + route.destination);
        expect(route.route_type == 1 || IpAddress::parse(route.next_hop).has_value(), "a static route via " + route.next_hop);
    }
}

void internalNetworks(Target& t) {
    requireEndpoints(t);
    const TestNetwork network(t, {.internal = true});
    const TestEndpoint endpoint(network);
    const TestSandbox sandbox;
    const JoinReply reply = endpoint.join(sandbox);
    expect(reply.gateway.empty() && reply.gateway_ipv6.empty(), "an internal network has the gateway " + reply.gateway + reply.gateway_ipv6);
}

void connectivity(Target& t) {
    requireEndpoints(t);
    const TestNetwork network(t), apart(t, {.number = 8});
    const TestEndpoint one(network, 2), other(network, 3), stranger(apart, 2);
    const TestSandbox first, second, third;
    requireOwnLinks(one.join(first));
    (void)other.join(second);
    (void)stranger.join(third);
    expect(reaches(second, one.ip()), "endpoints of one network don't reach each other");
    expect(!reaches(third, one.ip()), "an endpoint of another network gets through");
}

void severalNetworks(Target& t) {
    requireEndpoints(t);
    const TestNetwork network(t), apart(t, {.number = 8});
    const TestEndpoint one(network), other(apart);
    const TestSandbox sandbox;
    requireOwnLinks(one.join(sandbox, "eth0"));
    (void)other.join(sandbox, "eth1");
    expect(sandbox.links() == std::set<std::string>{"eth0", "eth1"}, "the sandbox hasn't the links eth0 and eth1");
    one.leave();
    expect(eventually([&] { return sandbox.links() == std::set<std::string>{"eth1"}; }), "leaving one network touched the other");
}

void externalConnectivity(Target& t) {
    requireEndpoints(t);
    const TestNetwork network(t);
    const TestEndpoint endpoint(network);
    const TestSandbox sandbox;
    (void)endpoint.join(sandbox);
    const JsonOptions ports{{"com.docker.network.portmap", R"([{"Proto":6,"IP":"","Port":80,"HostIP":"","HostPort":0,"HostPortEnd":0}])"}};
    optional("ProgramExternalConnectivity", [&] { t.driver->programExternalConnectivity(network.id(), endpoint.id(), ports); });
    t.driver->programExternalConnectivity(network.id(), endpoint.id(), ports);
    (void)t.driver->endpointInfo(network.id(), endpoint.id());
    t.driver->revokeExternalConnectivity(network.id(), endpoint.id());
    t.driver->revokeExternalConnectivity(network.id(), endpoint.id());
    t.driver->programExternalConnectivity(network.id(), endpoint.id(), {});
    t.driver->revokeExternalConnectivity(network.id(), "0123456789abcdef");
}

void portsAreExclusive(Target& t) {
    requireEndpoints(t);
    const TestNetwork network(t);
    const TestEndpoint one(network, 2), other(network, 3);
    const TestSandbox first, second;
    (void)one.join(first);
    (void)other.join(second);
    const JsonOptions ports{{"com.docker.network.portmap", R"([{"Proto":6,"IP":"","Port":80,"HostIP":"","HostPort":28213,"HostPortEnd":28213}])"}};
    optional("ProgramExternalConnectivity", [&] { t.driver->programExternalConnectivity(network.id(), one.id(), ports); });
    bool refused = false;
    try {
        t.driver->programExternalConnectivity(network.id(), other.id(), ports);
    } catch (const Error&) {
        refused = true;
    }
    expect(refused, "one port of the host was published twice");
    t.driver->revokeExternalConnectivity(network.id(), one.id());
    t.driver->programExternalConnectivity(network.id(), other.id(), ports);
}

}  // namespace

Rules<NetworkTarget> networkJoinRules() {
    return {
        {"join", "an endpoint's interface is in its sandbox, named, addressed and up, or a link waits for the engine to move it", &joinMakesInterface},
        {"leave", "leaving removes the interface and may be repeated; the endpoint can join again", &leaveRemovesInterface},
        {"join_twice", "a repeated join is one interface with the same answer", &joinTwice},
        {"delete_without_leave", "deleting a joined endpoint removes its interface", &deleteWithoutLeave},
        {"vanished_sandbox", "an endpoint can leave a sandbox that has ended, and join the next at once", &vanishedSandbox},
        {"later_sandbox", "for a sandbox that isn't there a join makes a link for the engine, or fails and leaves nothing", &laterSandbox},
        {"gateways", "gateways are in their pools, and static routes are sound", &gateways},
        {"internal", "an internal network has no gateway", &internalNetworks},
        {"connectivity", "endpoints of one network reach each other, and those of two don't", &connectivity},
        {"several_networks", "one sandbox joins two networks and leaves one", &severalNetworks},
        {"external_connectivity", "programming and revoking external connectivity may be repeated", &externalConnectivity},
        {"ports_are_exclusive", "a port of the host is published once, and free again when it is revoked", &portsAreExclusive},
    };
}

}  // namespace davit::conformance
