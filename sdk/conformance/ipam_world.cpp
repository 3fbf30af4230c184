#include "conformance/ipam_world.hpp"

#include "base/ip.hpp"

namespace davit::conformance {

PoolRequest poolRequest(IpamTarget& target, const std::string& pool, const std::string& sub_pool) {
    return {.address_space = target.driver->defaultAddressSpaces().local,
            .pool = pool,
            .sub_pool = sub_pool,
            .options = {},
            .v6 = pool.find(':') != std::string::npos};
}

TestPool::TestPool(IpamTarget& target, const std::string& pool, const std::string& sub_pool)
    : target_(target), pool_(target.driver->requestPool(poolRequest(target, pool, sub_pool))) {}

TestPool::~TestPool() {
    if (!there_) return;
    try {
        target_.driver->releasePool(pool_.id);
    } catch (...) {  // a destructor: the rule's own failure matters more
    }
}

void TestPool::release() {
    target_.driver->releasePool(pool_.id);
    there_ = false;
}

std::string TestPool::take(const std::string& address, const Options& options) const {
    const std::string taken = target_.driver->requestAddress({.pool_id = pool_.id, .address = address, .options = options}).address;
    const auto prefix = IpPrefix::parse(taken);
    expect(prefix.has_value(), "no address in CIDR form: " + taken);
    const auto pool = IpPrefix::parse(pool_.pool);
    expect(pool && pool->length == prefix->length && pool->contains(prefix->address), taken + " isn't in the pool " + pool_.pool);
    return taken;
}

void TestPool::give(const std::string& address) const { target_.driver->releaseAddress(pool_.id, address.substr(0, address.find('/'))); }

void expectRefusal(const std::string& what, const std::function<void()>& call) {
    try {
        call();
    } catch (const Error& e) {
        expect(!e.text().empty(), what + ": an error without a text");
        return;
    }
    throw Broken(what + ": succeeded");
}

}  // namespace davit::conformance
