#include "base/id.hpp"
#include "conformance/other_suites.hpp"

namespace davit::conformance {
namespace {

using Target = NetworkTarget;

void capabilitiesAreSound(Target& t) {
    const auto capabilities = t.driver->capabilities();
    expect(capabilities.scope == "local" || capabilities.scope == "global", "the scope is \"" + capabilities.scope + "\"");
}

// The one network that the rules use; a driver with one predefined network only may already have it.
CreateNetwork network(const std::string& id) {
    return {.network_id = id,
            .options = {{"com.docker.network.generic", "{}"}},
            .ipv4 = {{.address_space = "LocalDefault", .pool = "10.213.7.0/24", .gateway = "10.213.7.1/24", .aux_addresses = {}}},
            .ipv6 = {}};
}

void networkLife(Target& t) {
    const std::string id = randomId();
    t.driver->createNetwork(network(id));
    t.driver->deleteNetwork(id);
    t.driver->deleteNetwork(id);
    t.driver->createNetwork(network(id));
    t.driver->deleteNetwork(id);
}

void createTwice(Target& t) {
    const std::string id = randomId();
    t.driver->createNetwork(network(id));
    t.driver->createNetwork(network(id));
    t.driver->deleteNetwork(id);
}

void endpointLife(Target& t) {
    const std::string id = randomId(), endpoint = randomId();
    t.driver->createNetwork(network(id));
    const CreateEndpoint request{.network_id = id,
                                 .endpoint_id = endpoint,
                                 .options = {},
                                 .interface = {.address = "10.213.7.2/24", .address_ipv6 = {}, .mac_address = {}}};
    const auto interface = t.driver->createEndpoint(request);
    expect(interface.address.empty() || interface.address == "10.213.7.2/24", "the driver replaced the given address");
    (void)t.driver->endpointInfo(id, endpoint);
    t.driver->deleteEndpoint(id, endpoint);
    t.driver->deleteEndpoint(id, endpoint);
    t.driver->deleteNetwork(id);
}

void unknownNetwork(Target& t) {
    bool refused = false;
    try {
        (void)t.driver->createEndpoint({.network_id = randomId(), .endpoint_id = randomId(), .options = {}, .interface = {}});
    } catch (const Error&) {
        refused = true;
    }
    expect(refused, "an endpoint was created on an unknown network");
    t.driver->deleteEndpoint(randomId(), randomId());
    t.driver->leave(randomId(), randomId());
}

}  // namespace

Rules<NetworkTarget> networkRules() {
    return {
        {"capabilities", "the scope is local or global", &capabilitiesAreSound},
        {"network_life", "a network can be created and deleted; deleting it again succeeds", &networkLife},
        {"create_twice", "creating the same network again succeeds", &createTwice},
        {"endpoint_life", "an endpoint can be created, described and deleted; a given address isn't replaced", &endpointLife},
        {"unknown_network", "an endpoint on an unknown network is refused; leaving and deleting what isn't there succeeds", &unknownNetwork},
    };
}

}  // namespace davit::conformance
