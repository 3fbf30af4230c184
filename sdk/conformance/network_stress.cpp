#include <atomic>
#include <thread>

#include "base/check.hpp"
#include "base/id.hpp"
#include "conformance/network_world.hpp"
#include "conformance/threads.hpp"

namespace davit::conformance {
namespace {

using Target = NetworkTarget;

constexpr int kThreads = 8;

void requireKill(const Target& t) {
    if (!t.kill) throw Skipped("this target can't be killed and started again");
}

void concurrentNetworks(Target& t) {
    const auto before = hostLinks();
    together(kThreads, [&t](int i) {
        for (int round = 0; round < 3; ++round) {
            TestNetwork network(t, {.number = 20 + i});
            const TestEndpoint endpoint(network);
            endpoint.remove();
            network.remove();
        }
    });
    expect(eventually([&] { return noLinksBeyond(before); }), "links were left on the host");
}

void concurrentJoins(Target& t) {
    requireEndpoints(t);
    const auto before = hostLinks();
    TestNetwork network(t);
    together(kThreads, [&network](int i) {
        for (int round = 0; round < 3; ++round) {
            const TestEndpoint endpoint(network, 10 + i);
            const TestSandbox sandbox;
            const JoinReply reply = endpoint.join(sandbox);
            if (reply.src_name.empty()) expect(sandbox.links().size() == 1, "a sandbox hasn't exactly its own link");
            endpoint.leave();
        }
    });
    network.remove();
    expect(eventually([&] { return noLinksBeyond(before); }), "links were left on the host");
}

void oneNetworkManyThreads(Target& t) {
    TestNetwork network(t);
    together(kThreads, [&](int) { t.driver->createNetwork(network.request()); });
    const TestEndpoint endpoint(network);
    together(kThreads, [&](int) { (void)t.driver->createEndpoint(endpoint.request()); });
    endpoint.remove();
    together(kThreads, [&](int) { t.driver->deleteEndpoint(network.id(), endpoint.id()); });
    network.remove();
    together(kThreads, [&](int) { t.driver->deleteNetwork(network.id()); });
}

void restart(Target& t) {
    requireKill(t);
    requireEndpoints(t);
    const auto before = hostLinks();
    TestNetwork network(t);
    {
        const TestEndpoint joined(network, 2), waiting(network, 3);
        const TestSandbox sandbox, later;
        const JoinReply reply = joined.join(sandbox);
        t.kill();
        t.driver->createNetwork(network.request());
        expect(t.driver->createEndpoint(joined.request()).mac_address == joined.reply().mac_address, "the endpoint has another MAC address");
        (void)t.driver->endpointInfo(network.id(), joined.id());
        if (reply.src_name.empty()) expect(sandbox.links().size() == 1, "the interface didn't outlive the driver's process");
        (void)waiting.join(later);
        if (reply.src_name.empty()) expect(reaches(later, joined.ip()), "the endpoints don't reach each other");
        joined.leave();
    }
    network.remove();
    expect(eventually([&] { return noLinksBeyond(before); }), "links were left on the host");
}

// Killed at some moment of a call: the caller repeats it, as the protocol has it.
template <typename Call>
void killedDuring(Target& t, int delay_us, const Call& call) {
    std::thread killer([&t, delay_us] {
        std::this_thread::sleep_for(std::chrono::microseconds(delay_us));
        t.kill();
    });
    try {
        call();
    } catch (const Error&) {  // cut off: what was done of it isn't known
    }
    killer.join();
    call();
}

// Each of the four calls is cut off, `third` thirds of its usual time after it began.
void killedLife(Target& t, int third) {
    const std::string id = randomId(), endpoint = randomId();
    const TestSandbox sandbox;
    const CreateEndpoint request{.network_id = id,
                                 .endpoint_id = endpoint,
                                 .options = {},
                                 .interface = {.address = "10.213.7.2/24", .address_ipv6 = {}, .mac_address = {}}};
    killedDuring(t, 270 * third, [&] { t.driver->createNetwork(createRequest(t, id)); });
    (void)t.driver->createEndpoint(request);
    killedDuring(t, 330 * third, [&] {
        (void)t.driver->join({.network_id = id,
                              .endpoint_id = endpoint,
                              .sandbox_key = sandbox.key(),
                              .options = {{"com.docker.network.endpoint.ifname", "\"eth0\""}}});
    });
    killedDuring(t, 130 * third, [&] { t.driver->leave(id, endpoint); });
    t.driver->deleteEndpoint(id, endpoint);
    killedDuring(t, 500 * third, [&] { t.driver->deleteNetwork(id); });
}

void killInTheMiddle(Target& t) {
    requireKill(t);
    requireEndpoints(t);
    const auto before = hostLinks();
    for (const int third : {1, 2, 3, 4, 6}) killedLife(t, third);
    expect(eventually([&] { return noLinksBeyond(before); }), "calls that were cut off left links on the host");
}

// Whoever forgets a network after a crash, as an engine does with one that was never acknowledged, deletes it by its id.
void killAndForget(Target& t) {
    requireKill(t);
    requireEndpoints(t);
    const auto before = hostLinks();
    for (const int delay_us : {300, 700, 1100, 1500}) {
        const std::string id = randomId();
        std::thread killer([&t, delay_us] {
            std::this_thread::sleep_for(std::chrono::microseconds(delay_us));
            t.kill();
        });
        try {
            t.driver->createNetwork(createRequest(t, id));
        } catch (const Error&) {  // cut off
        }
        killer.join();
        t.driver->deleteNetwork(id);
    }
    expect(eventually([&] { return noLinksBeyond(before); }), "creations that were cut off left links on the host");
}

}  // namespace

Rules<NetworkTarget> networkStressRules() {
    return {
        {"concurrent_networks", "eight threads make and remove networks and endpoints at once", &concurrentNetworks},
        {"concurrent_joins", "eight threads join and leave one network at once", &concurrentJoins},
        {"concurrent_repeats", "eight threads make and remove the same network and endpoint", &oneNetworkManyThreads},
        {"restart", "networks, endpoints and interfaces outlive the driver's process", &restart},
        {"kill_in_the_middle", "a call that the driver's death cut off can be repeated, and nothing is left in the end", &killInTheMiddle},
        {"kill_and_forget", "a network whose creation was cut off can be deleted by its id", &killAndForget},
    };
}

}  // namespace davit::conformance
