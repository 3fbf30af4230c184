#include "base/id.hpp"
#include "base/json.hpp"
#include "conformance/network_world.hpp"
#include "linux/netlink/mac_address.hpp"

namespace davit::conformance {
namespace {

using Target = NetworkTarget;

void expectRefused(const std::string& what, const std::function<void()>& call) {
    try {
        call();
    } catch (const Error& e) {
        expect(!e.text().empty(), what + ": an error without a text");
        return;
    }
    throw Broken(what + ": succeeded");
}

void capabilitiesAreSound(Target& t) {
    const auto can = t.driver->capabilities();
    expect(can.scope == "local" || can.scope == "global", "the scope is \"" + can.scope + "\"");
    expect(!(can.host_namespace && can.no_interface), "containers share the host's namespace and have one without interfaces");
}

void networkLife(Target& t) {
    const std::string id = randomId();
    t.driver->createNetwork(createRequest(t, id));
    t.driver->deleteNetwork(id);
    t.driver->deleteNetwork(id);
    t.driver->createNetwork(createRequest(t, id));
    t.driver->deleteNetwork(id);
}

void createTwice(Target& t) {
    TestNetwork network(t);
    t.driver->createNetwork(network.request());
    network.remove();
}

void networkLeavesNothing(Target& t) {
    const auto before = hostLinks();
    TestNetwork network(t, {.ipv6 = true});
    network.remove();
    expect(eventually([&] { return noLinksBeyond(before); }), "links were left on the host");
}

void sameIdOtherwise(Target& t) {
    requireEndpoints(t);
    const TestNetwork network(t);
    CreateNetwork other = createRequest(t, network.id(), {.number = 8});
    expectRefused("another network with the id of one that is there", [&] { t.driver->createNetwork(other); });
    const TestEndpoint endpoint(network);
}

void unknownNetwork(Target& t) {
    requireEndpoints(t);
    expectRefused("an endpoint on an unknown network", [&] {
        (void)t.driver->createEndpoint({.network_id = randomId(), .endpoint_id = randomId(), .options = {}, .interface = {}});
    });
    t.driver->deleteEndpoint(randomId(), randomId());
    t.driver->leave(randomId(), randomId());
}

void unknownEndpoint(Target& t) {
    requireEndpoints(t);
    const TestNetwork network(t);
    const TestSandbox sandbox;
    const std::string id = randomId();
    expectRefused("join() of an unknown endpoint", [&] {
        (void)t.driver->join({.network_id = network.id(), .endpoint_id = id, .sandbox_key = sandbox.key(), .options = {}});
    });
    expectRefused("endpointInfo() of an unknown endpoint", [&] { (void)t.driver->endpointInfo(network.id(), id); });
    t.driver->leave(network.id(), id);
    t.driver->deleteEndpoint(network.id(), id);
    expect(sandbox.links().empty(), "the sandbox has a link");
}

void endpointLife(Target& t) {
    const TestNetwork network(t);
    const TestEndpoint endpoint(network);
    (void)t.driver->endpointInfo(network.id(), endpoint.id());
    endpoint.remove();
    endpoint.remove();
    (void)t.driver->createEndpoint(endpoint.request());
}

void endpointTwice(Target& t) {
    const TestNetwork network(t);
    const TestEndpoint endpoint(network);
    const EndpointInterface again = t.driver->createEndpoint(endpoint.request());
    expect(again.mac_address == endpoint.reply().mac_address, "the same request has another answer: " + again.mac_address);
}

void givenValuesStay(Target& t) {
    const TestNetwork network(t, {.ipv6 = true});
    const TestEndpoint endpoint(network);
    const auto kept = [](const std::string& asked, const std::string& answered) { return answered.empty() || answered == asked; };
    expect(kept(endpoint.request().interface.address, endpoint.reply().address), "the address was replaced");
    expect(kept(endpoint.request().interface.address_ipv6, endpoint.reply().address_ipv6), "the IPv6 address was replaced");
    const std::string mac = "02:00:5e:00:53:01";
    try {
        const TestEndpoint own(network, 3, mac);
        expect(kept(mac, own.reply().mac_address), "the MAC address was replaced");
    } catch (const Error& e) {
        if (e.code() != Code::invalid) throw;  // its links can't have one
    }
}

void chosenMac(Target& t) {
    requireEndpoints(t);
    const TestNetwork network(t);
    const TestEndpoint one(network, 2), other(network, 3);
    if (one.reply().mac_address.empty()) throw Skipped("its links have no MAC addresses of their own");
    const auto mac = linux::MacAddress::parse(one.reply().mac_address);
    expect(mac.has_value(), "no MAC address: " + one.reply().mac_address);
    expect((mac->bytes[0] & 1U) == 0, "a MAC address of a group: " + mac->text());
    expect(one.reply().mac_address != other.reply().mac_address, "two endpoints have one MAC address");
}

void infoIsJson(Target& t) {
    const TestNetwork network(t);
    const TestEndpoint endpoint(network);
    for (const auto& [name, value] : t.driver->endpointInfo(network.id(), endpoint.id())) {
        expect(!name.empty(), "a value without a name");
        (void)json::Document::parse(value);
    }
}

void networkInUse(Target& t) {
    requireEndpoints(t);
    TestNetwork network(t);
    const TestEndpoint endpoint(network);
    try {
        t.driver->deleteNetwork(network.id());
    } catch (const Error&) {
        (void)t.driver->endpointInfo(network.id(), endpoint.id());
        return;
    }
    expectRefused("an endpoint on a deleted network", [&] { (void)t.driver->endpointInfo(network.id(), endpoint.id()); });
}

// What can't be a network or an endpoint is refused, and the id is as good as before.
void badRequests(Target& t) {
    requireEndpoints(t);
    const auto before = hostLinks();
    const std::string id = randomId();
    for (const char* pool : {"10.213.7.0", "10.213.7.0/33", "nonsense", "10.213.7.0/24/24"}) {
        CreateNetwork request = createRequest(t, id);
        request.ipv4.front().pool = pool;
        expectRefused(std::string("a network with the pool ") + pool, [&] { t.driver->createNetwork(request); });
    }
    CreateNetwork odd = createRequest(t, id);
    odd.options["com.docker.network.generic"] = "{\"encrypted\":\"true\"}";
    expectRefused("a network that is to be encrypted", [&] { t.driver->createNetwork(odd); });
    for (const char* bad : {"", "..", "a/b"}) {
        CreateNetwork request = createRequest(t, bad);
        expectRefused("a network with the id \"" + std::string(bad) + "\"", [&] { t.driver->createNetwork(request); });
    }
    expect(eventually([&] { return noLinksBeyond(before); }), "a refused network left links");
    const TestNetwork network(t);
    const TestEndpoint good(network);
    CreateEndpoint request = good.request();
    request.endpoint_id = randomId();
    for (const char* address : {"10.213.7.9", "10.213.7.9/99", "fd00::1/64", "nonsense"}) {
        request.interface.address = address;
        expectRefused(std::string("an endpoint with the address ") + address, [&] { (void)t.driver->createEndpoint(request); });
    }
    request.interface = good.request().interface;
    request.interface.mac_address = "02:00:00:00:00";
    expectRefused("an endpoint with half a MAC address", [&] { (void)t.driver->createEndpoint(request); });
    request.interface.mac_address.clear();
    request.interface.address = "10.213.7.9/24";
    (void)t.driver->createEndpoint(request);
    t.driver->deleteEndpoint(network.id(), request.endpoint_id);
}

void gatewayAllocation(Target& t) {
    if (!t.driver->capabilities().gateway_alloc_check) throw Skipped("it doesn't claim the ability");
    (void)t.driver->gatewayAllocCheck(createRequest(t, randomId()).options);
    const GatewayAllocation internal = t.driver->gatewayAllocCheck(createRequest(t, randomId(), {.internal = true}).options);
    (void)internal;
}

void optionalMethods(Target& t) {
    const auto absent = [](const auto& call) {
        try {
            call();
        } catch (const Error& e) {
            if (e.code() != Code::unimplemented) throw;
        }
    };
    absent([&] { t.driver->discoverNew({}); });
    absent([&] { t.driver->discoverDelete({}); });
    absent([&] { t.driver->freeNetwork(randomId()); });
}

}  // namespace

Rules<NetworkTarget> networkLifeRules() {
    return {
        {"capabilities", "the scope is local or global", &capabilitiesAreSound},
        {"network_life", "a network can be created and deleted; deleting it again succeeds", &networkLife},
        {"create_twice", "creating the same network again succeeds", &createTwice},
        {"network_leaves_nothing", "a deleted network leaves no link", &networkLeavesNothing},
        {"same_id_otherwise", "another network with an id that is taken is refused, and the first stays", &sameIdOtherwise},
        {"unknown_network", "an endpoint on an unknown network is refused; leaving and deleting what isn't there succeeds", &unknownNetwork},
        {"unknown_endpoint", "joins of unknown endpoints and questions about them are refused", &unknownEndpoint},
        {"endpoint_life", "an endpoint can be created, described and deleted; deleting it again succeeds", &endpointLife},
        {"endpoint_twice", "creating the same endpoint again succeeds with the same answer", &endpointTwice},
        {"given_values", "addresses and MAC addresses that were given aren't replaced", &givenValuesStay},
        {"chosen_mac", "a MAC address that the driver chooses is one station's, and no other endpoint's", &chosenMac},
        {"endpoint_info", "what is told of an endpoint are names with JSON values", &infoIsJson},
        {"network_in_use", "a network with endpoints isn't deleted, or they are deleted with it", &networkInUse},
        {"bad_requests", "what can't be a network or an endpoint is refused and leaves nothing", &badRequests},
        {"gateway_allocation", "a driver that is asked about gateways answers for open and internal networks", &gatewayAllocation},
        {"optional_methods", "optional methods work or are unimplemented", &optionalMethods},
    };
}

Rules<NetworkTarget> networkRules() {
    Rules<NetworkTarget> all = networkLifeRules();
    for (const auto& rules : {networkJoinRules(), networkStressRules()}) all.insert(all.end(), rules.begin(), rules.end());
    return all;
}

}  // namespace davit::conformance
