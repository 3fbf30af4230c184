#include <mutex>
#include <set>
#include <vector>

#include "conformance/ipam_world.hpp"
#include "conformance/threads.hpp"

namespace davit::conformance {
namespace {

using Target = IpamTarget;

constexpr int kThreads = 8;

void concurrentAddresses(Target& t) {
    const TestPool pool(t, "10.214.6.0/24");
    std::mutex mutex;
    std::set<std::string> given;
    together(kThreads, [&](int) {
        for (int i = 0; i < 25; ++i) {
            const std::string address = pool.take();
            const std::lock_guard lock(mutex);
            expect(given.insert(address).second, "an address was given twice: " + address);
        }
    });
    together(kThreads, [&](int i) {
        int number = 0;
        for (const std::string& address : given)
            if (number++ % kThreads == i) pool.give(address);
    });
    for (int i = 0; i < 200; ++i) (void)pool.take();
}

void oneWantedAddress(Target& t) {
    const TestPool pool(t, "10.214.6.0/24");
    std::mutex mutex;
    int winners = 0;
    together(kThreads, [&](int) {
        try {
            (void)pool.take("10.214.6.77");
        } catch (const Error&) {
            return;
        }
        const std::lock_guard lock(mutex);
        ++winners;
    });
    expect(winners == 1, std::to_string(winners) + " of eight got one address");
}

void concurrentPools(Target& t) {
    std::mutex mutex;
    std::vector<Pool> pools;
    together(kThreads, [&](int) {
        for (int i = 0; i < 5; ++i) {
            Pool pool = t.driver->requestPool(poolRequest(t, ""));
            const std::lock_guard lock(mutex);
            pools.push_back(std::move(pool));
        }
    });
    std::set<std::string> ids;
    for (const Pool& pool : pools) {
        expect(ids.insert(pool.pool).second, "a pool was chosen twice: " + pool.pool);
        t.driver->releasePool(pool.id);
    }
}

// What the engine does at its start, when the driver says that it forgets.
void replay(Target& t) {
    if (!t.kill) throw Skipped("this target can't be killed and started again");
    const bool forgets = t.driver->capabilities().requires_request_replay;
    TestPool pool(t, "10.214.7.0/24", "10.214.7.128/25"), v6(t, "fd00:216::/64");
    const std::string address = pool.take(), address6 = v6.take();
    t.kill();
    if (forgets) {
        for (TestPool* one : {&pool, &v6}) {
            const bool first = one == &pool;
            const Pool again = t.driver->requestPool(poolRequest(t, first ? "10.214.7.0/24" : "fd00:216::/64", first ? "10.214.7.128/25" : ""));
            expect(again.id == one->id(), "the same pool has another id in the next life: " + again.id);
        }
        for (const auto& [one, taken] : {std::pair(&pool, address), {&v6, address6}})
            expect(one->take(taken.substr(0, taken.find('/'))) == taken, "an address can't be requested again");
    }
    expectError(Code::conflict, "an address that was given before the kill", [&] { (void)pool.take(address.substr(0, address.find('/'))); });
    expect(pool.take() != address, "an address was given twice");
    expect(v6.take() != address6, "an IPv6 address was given twice");
}

}  // namespace

Rules<IpamTarget> ipamStressRules() {
    return {
        {"concurrent_addresses", "eight threads get 200 addresses, each once, and all of them are free again when released", &concurrentAddresses},
        {"one_wanted_address", "of eight simultaneous requests for one address exactly one succeeds", &oneWantedAddress},
        {"concurrent_pools", "pools that are chosen at once don't collide", &concurrentPools},
        {"replay", "after the end of its process the driver knows what it gave, or gives the same when it is asked again", &replay},
    };
}

}  // namespace davit::conformance
