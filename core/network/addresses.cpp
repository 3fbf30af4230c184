#include "network/addresses.hpp"

#include <sys/random.h>

#include <algorithm>

#include "base/check.hpp"
#include "base/defer.hpp"
#include "base/log.hpp"
#include "linux/netlink/routes.hpp"

namespace davit::network {
namespace {

constexpr const char* kRequestType = "RequestAddressType";
constexpr const char* kGatewayType = "com.docker.network.gateway";
constexpr const char* kMacAddress = "com.docker.network.endpoint.macaddress";
constexpr int kPoolAttempts = 64;

std::string plain(const std::string& cidr) { return cidr.substr(0, cidr.find('/')); }

/// A locally administered unicast address.
std::string randomMac() {
    unsigned char bytes[6];
    (void)!::getrandom(bytes, sizeof bytes, 0);  // never cut short for so few bytes
    bytes[0] = static_cast<unsigned char>((bytes[0] & 0xfcU) | 0x02U);
    return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5]);
}

/// The family of a pool that a client described; v4 for one that is left to the driver.
IpFamily familyOf(const IpamPool& pool) {
    const auto subnet = IpPrefix::parse(pool.subnet);
    return subnet ? subnet->address.family : IpFamily::v4;
}

/// What is asked for one family: the client's pools of it, or one that the driver chooses.
std::vector<IpamPool> wanted(const NetworkConfig& config, IpFamily family) {
    std::vector<IpamPool> pools;
    for (const IpamPool& pool : config.ipam.pools)
        if (familyOf(pool) == family) pools.push_back(pool);
    if (pools.empty()) pools.emplace_back();
    return pools;
}

/// What an IPAM driver answers becomes part of interfaces and routes: it has to be what was asked for.
void checkPool(const Pool& pool, const PoolRequest& asked) {
    const auto given = IpPrefix::parse(pool.pool);
    if (!given) throw error(Code::system, "the IPAM driver gave the pool \"{}\", which is no CIDR", pool.pool);
    if ((given->address.family == IpFamily::v6) != asked.v6)
        throw error(Code::system, "the IPAM driver gave the pool {} for {}", pool.pool, asked.v6 ? "IPv6" : "IPv4");
    const auto wanted_pool = IpPrefix::parse(asked.pool);
    if (wanted_pool && wanted_pool->network() != given->network())
        throw error(Code::system, "the IPAM driver gave the pool {} instead of {}", pool.pool, asked.pool);
}

void checkAddress(const Address& got, const std::string& asked, const std::string& pool) {
    const auto given = IpPrefix::parse(got.address);
    if (!given) throw error(Code::system, "the IPAM driver gave the address \"{}\", which is no CIDR", got.address);
    if (!IpPrefix::parse(pool).value_or(IpPrefix{}).contains(given->address))
        throw error(Code::system, "the IPAM driver gave the address {}, which is outside of {}", got.address, pool);
    if (!asked.empty() && IpAddress::parse(asked) != given->address)
        throw error(Code::system, "the IPAM driver gave the address {} instead of {}", got.address, asked);
}

/// Asked for, looked at, and given back when it is none that can be used.
Address requestAddress(IpamDriver& driver, const AddressRequest& request, const std::string& pool) {
    Address got = driver.requestAddress(request);
    Defer release([&] { driver.releaseAddress(request.pool_id, plain(got.address)); });
    checkAddress(got, request.address, pool);
    release.dismiss();
    return got;
}

template <typename Call>
void logged(const Network& network, const char* what, Call&& call) noexcept {
    try {
        call();
    } catch (const std::exception& failure) {
        log::warning("network {}: {}: {}", network.config.name, what, failure.what());
    }
}

void releaseOne(IpamDriver& driver, const Network& network, const AssignedPool& assigned) noexcept {
    const auto give = [&](const std::string& address) {
        logged(network, "release address", [&] { driver.releaseAddress(assigned.id, plain(address)); });
    };
    for (const auto& [name, address] : assigned.pool.aux_addresses) give(address);
    if (!assigned.pool.gateway.empty()) give(assigned.pool.gateway);
    logged(network, "release pool", [&] { driver.releasePool(assigned.id); });
}

}  // namespace

std::shared_ptr<IpamDriver> Addresses::driverOf(const Network& network) { return drivers_.ipam(network.config.ipam.driver); }

/// A driver that doesn't look at this host's routes may choose what they cover. What it gave is held until it gives something
/// else, so that it doesn't give the same again.
Pool Addresses::requestFreePool(IpamDriver& driver, PoolRequest request) {
    if (!request.pool.empty()) {
        Pool pool = driver.requestPool(request);
        Defer release([&] { driver.releasePool(pool.id); });
        checkPool(pool, request);
        release.dismiss();
        return pool;
    }
    const std::vector<IpPrefix> routed = linux::routedPrefixes(request.v6 ? IpFamily::v6 : IpFamily::v4);
    std::vector<std::string> rejected;
    const Defer release([&] {
        for (const std::string& id : rejected) driver.releasePool(id);
    });
    for (int attempt = 0; attempt < kPoolAttempts; ++attempt) {
        Pool pool = driver.requestPool(request);
        Defer reject([&] { rejected.push_back(pool.id); });
        checkPool(pool, request);
        reject.dismiss();
        const auto prefix = IpPrefix::parse(pool.pool);
        if (std::none_of(routed.begin(), routed.end(), [&](const IpPrefix& one) { return one.overlaps(*prefix); })) return pool;
        rejected.push_back(std::move(pool.id));
    }
    throw Error(Code::not_found, "could not find an available, non-overlapping address pool among the defaults to assign to the network");
}

void Addresses::assignPool(Network& network, IpFamily family, const IpamPool& asked, bool want_gateway) {
    const std::shared_ptr<IpamDriver> driver = driverOf(network);
    AssignedPool assigned{.family = family, .id = {}, .address_space = driver->defaultAddressSpaces().local, .pool = {}};
    const Pool pool = requestFreePool(*driver, {.address_space = assigned.address_space,
                                                .pool = asked.subnet,
                                                .sub_pool = asked.ip_range,
                                                .options = network.config.ipam.options,
                                                .v6 = family == IpFamily::v6});
    assigned.id = pool.id;
    assigned.pool.subnet = pool.pool;
    assigned.pool.ip_range = asked.ip_range;
    Defer undo([&] { releaseOne(*driver, network, assigned); });
    // Docker's rule: the driver's own gateway wins unless the client names one.
    const auto named = pool.data.find(kGatewayType);
    const std::string gateway = !asked.gateway.empty()        ? asked.gateway
                                : named != pool.data.end() ? plain(named->second)
                                                           : std::string();
    if (want_gateway || !gateway.empty()) {
        const Address got = requestAddress(*driver, {assigned.id, gateway, {{kRequestType, kGatewayType}}}, assigned.pool.subnet);
        assigned.pool.gateway = plain(got.address);
    }
    for (const auto& [name, address] : asked.aux_addresses) {
        (void)requestAddress(*driver, {assigned.id, address, {}}, assigned.pool.subnet);
        assigned.pool.aux_addresses[name] = address;
    }
    undo.dismiss();
    network.pools.push_back(std::move(assigned));
}

void Addresses::assignPools(Network& network, const GatewayAllocation& skip) {
    Defer undo([&] {
        releasePools(network);
        network.pools.clear();
    });
    const NetworkConfig& config = network.config;
    if (config.enable_ipv4)
        for (const IpamPool& pool : wanted(config, IpFamily::v4)) assignPool(network, IpFamily::v4, pool, !skip.skip_ipv4);
    if (config.enable_ipv6)
        for (const IpamPool& pool : wanted(config, IpFamily::v6)) assignPool(network, IpFamily::v6, pool, !skip.skip_ipv6);
    undo.dismiss();
}

void Addresses::releasePools(const Network& network) noexcept {
    if (network.pools.empty()) return;
    logged(network, "release pools", [&] {
        const std::shared_ptr<IpamDriver> driver = driverOf(network);
        for (const AssignedPool& pool : network.pools) releaseOne(*driver, network, pool);
    });
}

bool Addresses::needsReplay(const Network& network) {
    return !network.pools.empty() && driverOf(network)->capabilities().requires_request_replay;
}

void Addresses::replayPools(const Network& network) {
    const std::shared_ptr<IpamDriver> driver = driverOf(network);
    std::vector<const AssignedPool*> requested;
    Defer undo([&] {
        for (const AssignedPool* pool : requested) releaseOne(*driver, network, *pool);
    });
    for (const AssignedPool& assigned : network.pools) {
        const Pool pool = driver->requestPool({.address_space = assigned.address_space,
                                               .pool = assigned.pool.subnet,
                                               .sub_pool = assigned.pool.ip_range,
                                               .options = network.config.ipam.options,
                                               .v6 = assigned.family == IpFamily::v6});
        if (pool.id != assigned.id)
            throw error(Code::system, "pool {} is {} now, and was {}", assigned.pool.subnet, pool.id, assigned.id);
        requested.push_back(&assigned);
        if (!assigned.pool.gateway.empty())
            (void)driver->requestAddress({assigned.id, assigned.pool.gateway, {{kRequestType, kGatewayType}}});
        for (const auto& [name, address] : assigned.pool.aux_addresses) (void)driver->requestAddress({assigned.id, address, {}});
    }
    undo.dismiss();
}

void Addresses::assignFamily(const Network& network, IpFamily family, Endpoint& endpoint, IpamDriver& driver) {
    const bool v6 = family == IpFamily::v6;
    const std::string& asked = v6 ? endpoint.config.ipv6_address : endpoint.config.ipv4_address;
    const auto wanted_address = IpAddress::parse(asked);
    std::optional<Error> last;
    for (const AssignedPool& pool : network.pools) {
        if (pool.family != family) continue;
        if (wanted_address && !IpPrefix::parse(pool.pool.subnet).value_or(IpPrefix{}).contains(*wanted_address)) continue;
        Options options;
        if (!endpoint.mac_address.empty()) options[kMacAddress] = endpoint.mac_address;
        try {
            const Address got = requestAddress(driver, {pool.id, asked, options}, pool.pool.subnet);
            (v6 ? endpoint.address_v6 : endpoint.address) = got.address;
            (v6 ? endpoint.pool_id_v6 : endpoint.pool_id) = pool.id;
            return;
        } catch (const Error& failure) {  // the next pool of the family may have room
            last = failure;
        }
    }
    if (last) throw Error(*last);
    if (wanted_address) throw error(Code::invalid, "no configured subnet or ip-range contain the IP address {}", asked);
}

void Addresses::assign(const Network& network, Endpoint& endpoint) {
    endpoint.mac_address = endpoint.config.mac_address;
    if (network.pools.empty()) return;
    const std::shared_ptr<IpamDriver> driver = driverOf(network);
    if (endpoint.mac_address.empty() && driver->capabilities().requires_mac_address) endpoint.mac_address = randomMac();
    Defer undo([&] { release(network, endpoint); });
    assignFamily(network, IpFamily::v4, endpoint, *driver);
    assignFamily(network, IpFamily::v6, endpoint, *driver);
    undo.dismiss();
}

void Addresses::replay(const Network& network, const Endpoint& endpoint) {
    const std::shared_ptr<IpamDriver> driver = driverOf(network);
    if (!endpoint.address.empty()) (void)driver->requestAddress({endpoint.pool_id, plain(endpoint.address), {}});
    if (!endpoint.address_v6.empty()) (void)driver->requestAddress({endpoint.pool_id_v6, plain(endpoint.address_v6), {}});
}

void Addresses::release(const Network& network, const Endpoint& endpoint) noexcept {
    logged(network, "release addresses", [&] {
        if (endpoint.pool_id.empty() && endpoint.pool_id_v6.empty()) return;
        const std::shared_ptr<IpamDriver> driver = driverOf(network);
        if (!endpoint.pool_id.empty()) driver->releaseAddress(endpoint.pool_id, plain(endpoint.address));
        if (!endpoint.pool_id_v6.empty()) driver->releaseAddress(endpoint.pool_id_v6, plain(endpoint.address_v6));
    });
}

void checkIpamConfig(const NetworkConfig& config) {
    for (const IpamPool& pool : config.ipam.pools) {
        if (pool.subnet.empty()) {
            if (!pool.ip_range.empty() || !pool.gateway.empty() || !pool.aux_addresses.empty())
                throw Error(Code::invalid, "invalid network config:\nno subnet is given for an IP range, gateway or auxiliary address");
            continue;
        }
        const auto subnet = IpPrefix::parse(pool.subnet);
        if (!subnet)
            throw error(Code::invalid, "invalid network config:\ninvalid subnet {}: invalid CIDR block notation", pool.subnet);
        if (*subnet != subnet->network())
            throw error(Code::invalid, "invalid network config:\ninvalid subnet {}: it should be {}", pool.subnet,
                        subnet->network().text());
        const auto within = [&](const char* what, const std::string& text) {
            const auto address = IpAddress::parse(plain(text));
            if (!address) throw error(Code::invalid, "invalid network config:\ninvalid {} {}: invalid address", what, text);
            if (!subnet->contains(*address))
                throw error(Code::invalid, "invalid network config:\ninvalid {} {}: parent subnet {} doesn't contain this address",
                            what, text, pool.subnet);
        };
        if (!pool.gateway.empty()) within("gateway", pool.gateway);
        for (const auto& [name, address] : pool.aux_addresses) within("auxiliary address", address);
        if (pool.ip_range.empty()) continue;
        const auto range = IpPrefix::parse(pool.ip_range);
        if (!range) throw error(Code::invalid, "invalid network config:\ninvalid ip-range {}: invalid CIDR block notation", pool.ip_range);
        if (!subnet->contains(*range))
            throw error(Code::invalid, "invalid network config:\ninvalid ip-range {}: parent subnet {} doesn't contain ip-range",
                        pool.ip_range, pool.subnet);
    }
}

namespace {

/// 169.254/16 and fe80::/10.
bool isLinkLocal(const IpAddress& address) {
    static const IpPrefix kLinkLocal[] = {IpPrefix::parse("169.254.0.0/16").value(), IpPrefix::parse("fe80::/10").value()};
    return std::any_of(std::begin(kLinkLocal), std::end(kLinkLocal), [&](const IpPrefix& one) { return one.contains(address); });
}

}  // namespace

void checkEndpointConfig(const Network& network, const EndpointConfig& config) {
    if (network.config.config_only) throw Error(Code::forbidden, "cannot create endpoint on configuration-only network");
    const auto check_address = [&](const std::string& text, IpFamily family, const char* name) {
        if (text.empty()) return;
        const auto address = IpAddress::parse(text);
        if (!address || address->family != family) throw error(Code::invalid, "invalid {} address: {}", name, text);
        if (network.predefined)
            throw Error(Code::invalid, "user specified IP address is supported on user defined networks only");
        const auto& pools = network.config.ipam.pools;
        const bool configured = std::any_of(pools.begin(), pools.end(), [&](const IpamPool& pool) {
            return !pool.subnet.empty() && familyOf(pool) == family;
        });
        if (!configured)
            throw Error(Code::invalid, "user specified IP address is supported only when connecting to networks with user "
                                       "configured subnets");
        const bool inside = std::any_of(network.pools.begin(), network.pools.end(), [&](const AssignedPool& pool) {
            return IpPrefix::parse(pool.pool.subnet).value_or(IpPrefix{}).contains(*address);
        });
        if (!inside) throw error(Code::invalid, "no configured subnet or ip-range contain the IP address {}", text);
    };
    check_address(config.ipv4_address, IpFamily::v4, "IPv4");
    check_address(config.ipv6_address, IpFamily::v6, "IPv6");
    for (const std::string& text : config.link_local_addresses)
        if (const auto address = IpAddress::parse(text); !address || !isLinkLocal(*address))
            throw error(Code::invalid, "invalid link local IP address: {}", text);
    if (network.predefined && !config.aliases.empty())
        throw Error(Code::invalid, "network-scoped aliases are only supported for user-defined networks");
}

}  // namespace davit::network
