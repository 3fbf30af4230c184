#include "default_ipam_driver.hpp"

#include <algorithm>
#include <charconv>

#include "base/check.hpp"
#include "linux/netlink/routes.hpp"

namespace davit {
namespace {

// Pools of /24, so that hundreds of networks fit: first where users of Docker look for them, then the rest of 172.16/12 and
// 192.168/16; /64s of a random unique-local /48 for IPv6.
constexpr const char* kDefaultRanges[] = {"172.17.0.0/16 24", "172.18.0.0/15 24", "172.20.0.0/14 24", "172.24.0.0/13 24",
                                          "172.16.0.0/16 24", "192.168.0.0/16 24", "fd5d:6176:6974::/48 64"};
constexpr const char* kSerial = "com.docker.network.ipam.serial";

IpPrefix parsePrefix(const std::string& text, const char* what) {
    const auto prefix = IpPrefix::parse(text);
    if (!prefix) throw error(Code::invalid, "invalid CIDR address for {}: {}", what, text);
    return prefix->network();
}

std::string idOf(const std::string& space, const IpPrefix& pool, const IpPrefix& range) {
    return space + "/" + pool.text() + (range == pool ? std::string() : "/" + range.text());
}

}  // namespace

DefaultIpamDriver::DefaultIpamDriver(const DriverContext& context) {
    DriverConfig config(context);
    for (const std::string& text : config.strings("pools")) ranges_.push_back(parseRange(text));
    config.finish();
    const std::vector<Range> configured = ranges_;
    for (const char* text : kDefaultRanges) {
        const Range range = parseRange(text);
        const bool family_given = std::any_of(configured.begin(), configured.end(), [&](const Range& one) {
            return one.base.address.family == range.base.address.family;
        });
        if (!family_given) ranges_.push_back(range);
    }
}

DefaultIpamDriver::Range DefaultIpamDriver::parseRange(const std::string& text) {
    const std::size_t space = std::min(text.find(' '), text.size());
    const auto base = IpPrefix::parse(text.substr(0, space));
    unsigned size = 0;
    const char* const end = text.data() + text.size();
    const char* const digits = text.data() + std::min(space + 1, text.size());
    const auto [parsed, status] = std::from_chars(digits, end, size);
    if (!base || status != std::errc() || parsed != end || size < base->length || size > ipBits(base->address.family))
        throw error(Code::invalid, "pools: \"{}\" isn't of the form \"BASE SIZE\", for example \"172.17.0.0/16 24\"", text);
    return {base->network(), size};
}

std::optional<IpPrefix> DefaultIpamDriver::overlapping(const std::string& space, const IpPrefix& pool) const {
    for (const auto& [key, unused] : pools_)
        if (key.first == space && key.second.overlaps(pool)) return key.second;
    return std::nullopt;
}

IpPrefix DefaultIpamDriver::choosePool(const std::string& space, IpFamily family) {
    std::vector<IpPrefix> used = linux::routedPrefixes(family);
    for (const auto& [key, unused] : pools_)
        if (key.first == space) used.push_back(key.second);
    for (const Range& range : ranges_) {
        if (range.base.address.family != family) continue;
        IpPrefix candidate{range.base.first(), range.size};
        // Whatever is in the way is passed at once, so that a /8 in use doesn't cost a walk through its /24s.
        while (range.base.contains(candidate)) {
            const auto hit = std::find_if(used.begin(), used.end(), [&](const auto& one) { return one.overlaps(candidate); });
            if (hit == used.end()) return candidate;
            const Uint128 last = std::max(hit->last().number, candidate.last().number);
            if (last >= range.base.last().number) break;
            candidate = IpPrefix{{family, last + 1}, range.size};
            if (candidate.first() != candidate.address) candidate.address = {family, candidate.last().number + 1};
        }
    }
    throw error(Code::not_found, "all predefined address pools have been fully subnetted");
}

Pool DefaultIpamDriver::requestPool(const PoolRequest& request) {
    if (request.pool.empty() && !request.sub_pool.empty()) throw error(Code::invalid, "invalid sub-pool request: no pool");
    const Lock lock(mutex_);
    const IpPrefix pool = request.pool.empty() ? choosePool(request.address_space, request.v6 ? IpFamily::v6 : IpFamily::v4)
                                               : parsePrefix(request.pool, "the pool");
    const IpPrefix range = request.sub_pool.empty() ? pool : parsePrefix(request.sub_pool, "the sub-pool");
    if (request.v6 != (pool.address.family == IpFamily::v6))
        throw error(Code::invalid, "{} isn't an {} pool", pool.text(), request.v6 ? "IPv6" : "IPv4");
    if (!pool.contains(range)) throw error(Code::invalid, "the sub-pool {} isn't within {}", range.text(), pool.text());
    const std::string id = idOf(request.address_space, pool, range);
    if (const auto known = leases_.find(id); known != leases_.end()) {
        ++known->second.count;
        return {.id = id, .pool = pool.text(), .data = {}};
    }
    const PoolKey key{request.address_space, pool};
    if (!pools_.contains(key)) {
        if (overlapping(request.address_space, pool))
            throw error(Code::forbidden, "invalid pool request: Pool overlaps with other one on this address space");
        pools_.emplace(key, ipam::AddressPool(pool));
    }
    leases_.emplace(id, Lease{request.address_space, pool, range, 1, std::nullopt});
    return {.id = id, .pool = pool.text(), .data = {}};
}

DefaultIpamDriver::Lease& DefaultIpamDriver::leaseOf(const std::string& pool_id) {
    const auto found = leases_.find(pool_id);
    if (found == leases_.end()) throw error(Code::not_found, "cannot find address pool for poolID:{}", pool_id);
    return found->second;
}

ipam::AddressPool& DefaultIpamDriver::poolOf(const Lease& lease) { return pools_.at({lease.space, lease.pool}); }

void DefaultIpamDriver::releasePool(const std::string& pool_id) {
    const Lock lock(mutex_);
    Lease& lease = leaseOf(pool_id);
    if (--lease.count > 0) return;
    const PoolKey key{lease.space, lease.pool};
    leases_.erase(pool_id);
    const bool in_use = std::any_of(leases_.begin(), leases_.end(), [&](const auto& other) {
        return other.second.space == key.first && other.second.pool == key.second;
    });
    if (!in_use) pools_.erase(key);
}

Address DefaultIpamDriver::requestAddress(const AddressRequest& request) {
    const Lock lock(mutex_);
    Lease& lease = leaseOf(request.pool_id);
    ipam::AddressPool& pool = poolOf(lease);
    if (!request.address.empty()) {
        const auto wanted = IpAddress::parse(request.address);
        if (!wanted) throw error(Code::invalid, "invalid address: {}", request.address);
        if (!lease.pool.contains(*wanted)) throw error(Code::invalid, "requested address is out of range");
        if (!pool.take(*wanted)) throw error(Code::conflict, "Address already in use");
        return {.address = IpPrefix{*wanted, lease.pool.length}.text(), .data = {}};
    }
    const auto serial = request.options.find(kSerial);
    const bool is_serial = serial != request.options.end() && serial->second == "true";
    const auto chosen = pool.takeLowest(lease.range, is_serial ? lease.last : std::nullopt);
    if (!chosen) throw error(Code::conflict, "no available IPv{} addresses on this network's address pools: {}",
                             lease.pool.address.family == IpFamily::v4 ? 4 : 6, request.pool_id);
    lease.last = chosen;
    return {.address = IpPrefix{*chosen, lease.pool.length}.text(), .data = {}};
}

void DefaultIpamDriver::releaseAddress(const std::string& pool_id, const std::string& address) {
    const Lock lock(mutex_);
    const auto released = IpAddress::parse(address);
    if (!released) throw error(Code::invalid, "invalid address: {}", address);
    poolOf(leaseOf(pool_id)).release(*released);
}

}  // namespace davit

