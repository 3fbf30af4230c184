#include "base/ip.hpp"
#include "conformance/ipam_world.hpp"

namespace davit::conformance {
namespace {

using Target = IpamTarget;

void addressSpaces(Target& t) {
    const auto spaces = t.driver->defaultAddressSpaces();
    expect(!spaces.local.empty(), "the local default address space has no name");
    expect(t.driver->defaultAddressSpaces().local == spaces.local, "the address spaces have other names the second time");
}

void poolLife(Target& t) {
    const Pool first = t.driver->requestPool(poolRequest(t, "10.214.0.0/24"));
    expect(!first.id.empty(), "a pool without an id");
    expect(first.pool == "10.214.0.0/24", "another pool was given: " + first.pool);
    const Pool second = t.driver->requestPool(poolRequest(t, "10.214.0.0/24"));
    expect(second.id == first.id, "the same pool again has another id");
    t.driver->releasePool(first.id);
    (void)t.driver->requestAddress({.pool_id = first.id, .address = {}, .options = {}});
    t.driver->releasePool(first.id);
    expectRefusal("an address of a pool that was released as often as requested",
                  [&] { (void)t.driver->requestAddress({.pool_id = first.id, .address = {}, .options = {}}); });
}

void releasedPool(Target& t) {
    TestPool pool(t, "10.214.0.0/24");
    (void)pool.take("10.214.0.9");
    pool.release();
    const TestPool again(t, "10.214.0.0/24");
    (void)again.take("10.214.0.9");
}

void chosenPool(Target& t) {
    for (const bool v6 : {false, true}) {
        PoolRequest request = poolRequest(t, "");
        request.v6 = v6;
        std::vector<Pool> pools;
        for (int i = 0; i < 5; ++i) pools.push_back(t.driver->requestPool(request));
        for (const Pool& one : pools) {
            const auto prefix = IpPrefix::parse(one.pool);
            expect(prefix.has_value(), "the chosen pool isn't in CIDR form: " + one.pool);
            expect(*prefix == prefix->network(), "the chosen pool has host bits: " + one.pool);
            expect((prefix->address.family == IpFamily::v6) == v6, "a pool of the other family was chosen: " + one.pool);
            for (const Pool& other : pools)
                expect(&one == &other || (one.id != other.id && !prefix->overlaps(*IpPrefix::parse(other.pool))),
                       "two chosen pools overlap: " + one.pool + ", " + other.pool);
        }
        for (const Pool& one : pools) t.driver->releasePool(one.id);
    }
}

void overlappingPools(Target& t) {
    const TestPool pool(t, "10.214.4.0/22");
    for (const char* other : {"10.214.5.0/24", "10.214.0.0/16", "10.214.4.0/23"})
        expectRefusal(std::string("the pool ") + other + " beside 10.214.4.0/22", [&] { const TestPool beside(t, other); });
    const TestPool apart(t, "10.214.8.0/24");
}

void badPools(Target& t) {
    for (const char* pool : {"nonsense", "10.214.0.0", "10.214.0.0/33", "10.214.0/24", "300.1.1.0/24"})
        expectRefusal(std::string("the pool ") + pool, [&] { const TestPool bad(t, pool); });
    PoolRequest mixed = poolRequest(t, "10.214.0.0/24");
    mixed.v6 = true;
    expectRefusal("an IPv4 pool that is to be one of IPv6", [&] { (void)t.driver->requestPool(mixed); });
    const TestPool good(t, "10.214.0.0/24");
}

void subPoolAlone(Target& t) {
    expectRefusal("a sub-pool without a pool", [&] { (void)t.driver->requestPool(poolRequest(t, "", "10.214.9.0/28")); });
}

void subPools(Target& t) {
    const TestPool pool(t, "10.214.0.0/24", "10.214.0.64/28");
    expect(pool.pool().pool == "10.214.0.0/24", "the pool of a sub-pool is " + pool.pool().pool);
    const IpPrefix range = *IpPrefix::parse("10.214.0.64/28");
    for (int i = 0; i < 10; ++i) {
        const std::string address = pool.take();
        expect(range.contains(IpPrefix::parse(address)->address), address + " was chosen outside of the sub-pool");
    }
    (void)pool.take("10.214.0.1");  // as a gateway may be
    expectRefusal("a sub-pool that isn't in its pool", [&] { const TestPool outside(t, "10.214.1.0/24", "10.214.2.0/28"); });
}

void unknownPool(Target& t) {
    expectRefusal("an address of an unknown pool", [&] { (void)t.driver->requestAddress({.pool_id = "no such pool", .address = {}, .options = {}}); });
    try {  // like one that was released already: either is an answer, so long as it is one
        t.driver->releasePool("no such pool");
    } catch (const Error& e) {
        expect(!e.text().empty(), "an error without a text");
    }
}

void capabilitiesAreAnswered(Target& t) { (void)t.driver->capabilities(); }

}  // namespace

Rules<IpamTarget> ipamPoolRules() {
    return {
        {"capabilities", "it says what it requires", &capabilitiesAreAnswered},
        {"address_spaces", "the local default address space has a name", &addressSpaces},
        {"pool_life", "the same pool requested twice is the same id, and is released as often", &poolLife},
        {"released_pool", "the addresses of a released pool are free when it is requested again", &releasedPool},
        {"chosen_pool", "without a wish the driver chooses pools of the family that don't collide", &chosenPool},
        {"overlapping_pools", "a pool that overlaps one in use is refused", &overlappingPools},
        {"bad_pools", "what is no pool of the family is refused", &badPools},
        {"sub_pool_alone", "a sub-pool without a pool is refused", &subPoolAlone},
        {"sub_pools", "addresses are chosen from the sub-pool, and others of the pool can be asked for", &subPools},
        {"unknown_pool", "an address of an unknown pool is refused", &unknownPool},
    };
}

Rules<IpamTarget> ipamRules() {
    Rules<IpamTarget> all = ipamPoolRules();
    for (const auto& rules : {ipamAddressRules(), ipamStressRules()}) all.insert(all.end(), rules.begin(), rules.end());
    return all;
}

}  // namespace davit::conformance
