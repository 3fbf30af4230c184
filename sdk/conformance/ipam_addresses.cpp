#include <set>

#include "base/ip.hpp"
#include "conformance/ipam_world.hpp"

namespace davit::conformance {
namespace {

using Target = IpamTarget;

void addresses(Target& t) {
    const TestPool pool(t, "10.214.1.0/24");
    std::set<std::string> given;
    for (int i = 0; i < 20; ++i) {
        const std::string address = pool.take();
        expect(given.insert(address).second, "an address was given twice: " + address);
    }
}

void wantedAddress(Target& t) {
    const TestPool pool(t, "10.214.1.0/24");
    const std::string wanted = "10.214.1.77";
    expect(pool.take(wanted) == wanted + "/24", "another address than the wanted one was given");
    expectError(Code::conflict, "a wanted address that is taken", [&] { (void)pool.take(wanted); });
    pool.give(wanted);
    pool.give(wanted);
    (void)pool.take(wanted);
    for (const char* address : {"10.214.2.1", "fd00::1", "nonsense", "10.214.1"})
        expectRefusal(std::string("the address ") + address, [&] { (void)pool.take(address); });
}

// Auxiliary addresses are asked for like any other and then nobody else's.
void gatewayAndAuxiliary(Target& t) {
    const TestPool pool(t, "10.214.1.0/28");
    const std::string gateway = pool.take({}, {{"RequestAddressType", "com.docker.network.gateway"}});
    (void)pool.take("10.214.1.5");
    std::set<std::string> given{gateway, "10.214.1.5/28"};
    for (int i = 0; i < 12; ++i) {
        const std::string address = pool.take();
        expect(given.insert(address).second, address + " was given although it was taken");
    }
}

void nobodysAddresses(Target& t) {
    const TestPool pool(t, "10.214.1.0/29");
    for (int i = 0; i < 6; ++i) {
        const std::string address = pool.take();
        expect(address != "10.214.1.0/29" && address != "10.214.1.7/29", "a network's or broadcast address was given: " + address);
    }
}

void exhaustion(Target& t) {
    const TestPool pool(t, "10.214.2.0/30");
    std::set<std::string> given;
    bool refused = false;
    for (int i = 0; i < 5 && !refused; ++i) {
        try {
            given.insert(pool.take());
        } catch (const Error&) {
            refused = true;
        }
    }
    expect(refused, "a pool of four addresses gave five");
    expect(!given.empty(), "a pool of four addresses gave none");
    pool.give(*given.begin());
    expect(pool.take() == *given.begin(), "the only free address wasn't given");
}

void reuse(Target& t) {
    const TestPool pool(t, "10.214.3.0/29");
    const Options serial{{"com.docker.network.ipam.serial", "true"}};
    const std::string first = pool.take({}, serial), second = pool.take({}, serial);
    pool.give(first);
    const std::string third = pool.take({}, serial);
    expect(third != first && third != second, "with serial allocation a released address is given at once again: " + third);
    std::set<std::string> given{second, third};
    for (int i = 0; i < 4; ++i) given.insert(pool.take({}, serial));
    expect(given.contains(first), "a released address is never given again");
}

void ipv6(Target& t) {
    const TestPool pool(t, "fd00:214::/64");
    std::set<std::string> given;
    for (int i = 0; i < 20; ++i) expect(given.insert(pool.take()).second, "an address was given twice");
    expect(!given.contains("fd00:214::/64"), "the address of all routers was given");
    expect(pool.take("fd00:214::ffff:77") == "fd00:214::ffff:77/64", "another address than the wanted one was given");
    expectRefusal("an IPv4 address of an IPv6 pool", [&] { (void)pool.take("10.214.0.1"); });
    const TestPool small(t, "fd00:215::/126");
    for (int i = 0; i < 3; ++i) (void)small.take();
    expectRefusal("a fifth address of four", [&] {
        for (int i = 0; i < 2; ++i) (void)small.take();
    });
}

void releasesAreTheirOwn(Target& t) {
    const TestPool one(t, "10.214.4.0/24"), other(t, "10.214.5.0/24");
    (void)one.take("10.214.4.9");
    try {
        other.give("10.214.4.9");  // another pool's address
    } catch (const Error&) {  // as good an answer
    }
    expectError(Code::conflict, "an address that another pool released", [&] { (void)one.take("10.214.4.9"); });
    one.give("10.214.4.200");  // nobody has it
}

}  // namespace

Rules<IpamTarget> ipamAddressRules() {
    return {
        {"addresses", "addresses are inside the pool, in CIDR form, and never given twice", &addresses},
        {"wanted_address", "a wanted address is given once until it is released; one outside of the pool is refused", &wantedAddress},
        {"gateway_and_auxiliary", "gateways and auxiliary addresses are nobody else's", &gatewayAndAuxiliary},
        {"nobodys_addresses", "the network's own and the broadcast address aren't given", &nobodysAddresses},
        {"exhaustion", "an exhausted pool refuses until an address is released", &exhaustion},
        {"reuse", "with serial allocation a released address is given again when others have been", &reuse},
        {"ipv6", "IPv6 pools work alike, up to their end", &ipv6},
        {"releases", "a release frees an address of its own pool only, and may be repeated", &releasesAreTheirOwn},
    };
}

}  // namespace davit::conformance
