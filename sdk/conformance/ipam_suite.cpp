#include <set>

#include "conformance/other_suites.hpp"

namespace davit::conformance {
namespace {

using Target = IpamTarget;

PoolRequest poolRequest(Target& t, const std::string& pool) {
    return {.address_space = t.driver->defaultAddressSpaces().local, .pool = pool, .sub_pool = {}, .options = {}, .v6 = false};
}

void addressSpaces(Target& t) {
    const auto spaces = t.driver->defaultAddressSpaces();
    expect(!spaces.local.empty(), "the local default address space has no name");
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
}

void chosenPool(Target& t) {
    const Pool a = t.driver->requestPool(poolRequest(t, ""));
    const Pool b = t.driver->requestPool(poolRequest(t, ""));
    expect(a.pool.find('/') != std::string::npos, "the chosen pool isn't in CIDR form: " + a.pool);
    expect(a.id != b.id && a.pool != b.pool, "two chosen pools are the same");
    t.driver->releasePool(a.id);
    t.driver->releasePool(b.id);
}

void subPoolAlone(Target& t) {
    PoolRequest request = poolRequest(t, "");
    request.sub_pool = "10.214.9.0/28";
    bool refused = false;
    try {
        (void)t.driver->requestPool(request);
    } catch (const Error&) {
        refused = true;
    }
    expect(refused, "a sub-pool without a pool was taken");
}

void addresses(Target& t) {
    const Pool pool = t.driver->requestPool(poolRequest(t, "10.214.1.0/24"));
    std::set<std::string> given;
    for (int i = 0; i < 20; ++i) {
        const std::string address = t.driver->requestAddress({.pool_id = pool.id, .address = {}, .options = {}}).address;
        expect(address.starts_with("10.214.1.") && address.ends_with("/24"), "an address outside of its pool: " + address);
        expect(given.insert(address).second, "an address was given twice: " + address);
    }
    const std::string wanted = "10.214.1.77";
    expect(t.driver->requestAddress({.pool_id = pool.id, .address = wanted, .options = {}}).address == wanted + "/24", "another address than the wanted one was given");
    expectError(Code::conflict, "a wanted address that is taken", [&] { (void)t.driver->requestAddress({.pool_id = pool.id, .address = wanted, .options = {}}); });
    t.driver->releaseAddress(pool.id, wanted);
    t.driver->releaseAddress(pool.id, wanted);
    (void)t.driver->requestAddress({.pool_id = pool.id, .address = wanted, .options = {}});
    t.driver->releasePool(pool.id);
}

void exhaustion(Target& t) {
    const Pool pool = t.driver->requestPool(poolRequest(t, "10.214.2.0/30"));
    bool refused = false;
    for (int i = 0; i < 5 && !refused; ++i) {
        try {
            (void)t.driver->requestAddress({.pool_id = pool.id, .address = {}, .options = {}});
        } catch (const Error&) {
            refused = true;
        }
    }
    t.driver->releasePool(pool.id);
    expect(refused, "a pool of four addresses gave five");
}

}  // namespace

Rules<IpamTarget> ipamRules() {
    return {
        {"address_spaces", "the local default address space has a name", &addressSpaces},
        {"pool_life", "the same pool requested twice is the same id, and is released as often", &poolLife},
        {"chosen_pool", "without a wish the driver chooses pools that don't collide", &chosenPool},
        {"sub_pool_alone", "a sub-pool without a pool is refused", &subPoolAlone},
        {"addresses", "addresses are inside the pool, in CIDR form, and never given twice", &addresses},
        {"exhaustion", "an exhausted pool refuses", &exhaustion},
    };
}

}  // namespace davit::conformance
