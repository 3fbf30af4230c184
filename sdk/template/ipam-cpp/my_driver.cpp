// my_driver: hands out pools and addresses from memory. Start from here: a driver that asks a service of yours does so
// in requestPool() and requestAddress().
//
// Any method is called from any thread, several at a time. This driver forgets everything when its process ends and
// says so with requires_request_replay: the engine then requests again what is in use. `davit plugin check` tests that
// too.
#include <arpa/inet.h>
#include <davit/sdk.hpp>

#include <charconv>
#include <map>
#include <mutex>
#include <set>

namespace {

using davit::Code;
using davit::Error;

// IPv4 and IPv6 addresses as numbers.
__extension__ using Number = unsigned __int128;

struct Range {
    int family = AF_INET;
    Number first = 0;
    int prefix = 0;

    int bits() const { return family == AF_INET ? 32 : 128; }
    Number last() const {
        return prefix == 0 ? ~Number{0} >> (128 - bits()) : first + ((Number{1} << (bits() - prefix)) - 1);
    }
    bool contains(const Range& other) const {
        return family == other.family && first <= other.first && other.last() <= last();
    }
    bool overlaps(const Range& other) const {
        return family == other.family && first <= other.last() && other.first <= last();
    }
};

Number parseAddress(const std::string& text, int family) {
    unsigned char bytes[16];
    if (::inet_pton(family, text.c_str(), bytes) != 1)
        throw Error(Code::invalid, "\"" + text + "\" is no address of the pool's family");
    Number result = 0;
    for (int i = 0; i < (family == AF_INET ? 4 : 16); ++i) result = result << 8U | bytes[i];
    return result;
}

std::string addressText(Number address, int family) {
    const int size = family == AF_INET ? 4 : 16;
    unsigned char bytes[16];
    for (int i = size; i-- > 0; address >>= 8U) bytes[i] = static_cast<unsigned char>(address);
    char text[INET6_ADDRSTRLEN];
    return ::inet_ntop(family, bytes, text, sizeof text);
}

Range parseRange(const std::string& cidr) {
    const std::size_t slash = cidr.find('/');
    Range range{.family = cidr.find(':') != std::string::npos ? AF_INET6 : AF_INET};
    const char* end = cidr.data() + cidr.size();
    if (slash == std::string::npos) throw Error(Code::invalid, "\"" + cidr + "\" has no prefix length");
    const auto [stop, failure] = std::from_chars(cidr.data() + slash + 1, end, range.prefix);
    if (failure != std::errc() || stop != end || range.prefix < 1 || range.prefix > range.bits())
        throw Error(Code::invalid, "\"" + cidr + "\" has no good prefix length");
    const Number size = Number{1} << (range.bits() - range.prefix);
    range.first = parseAddress(cidr.substr(0, slash), range.family) / size * size;
    return range;
}

std::string rangeText(const Range& range) {
    return addressText(range.first, range.family) + "/" + std::to_string(range.prefix);
}

struct KnownPool {
    Range range;
    Range choice;  // the sub-pool, or all of it
    int users = 0;
    std::set<Number> taken{};
    Number next = 0;  // a released address is given again only when all others were

    bool isNobodys(Number address) const {
        if (range.prefix >= range.bits() - 1) return false;
        return address == range.first || (range.family == AF_INET && address == range.last());
    }
    Number choose() {
        if (next < choice.first || next > choice.last()) next = choice.first;
        // Among so many in a row one is free, or none is.
        for (std::size_t tries = taken.size() + 3; tries > 0; --tries) {
            const Number address = next;
            next = next == choice.last() ? choice.first : next + 1;
            if (!isNobodys(address) && !taken.contains(address)) return address;
        }
        throw Error(Code::unavailable, "pool " + rangeText(range) + ": no address is free");
    }
};

class MyDriverAddresses final : public davit::IpamDriver {
  public:
    static constexpr const char* kName = "my_driver";  // what users say: --ipam-driver my_driver
    static constexpr const char* kDescription = "pools and addresses from memory";

    explicit MyDriverAddresses(const davit::DriverContext& context) {
        davit::DriverConfig(context).finish();  // refuses members that weren't asked for
    }

    davit::IpamCapabilities capabilities() override {
        return {.requires_mac_address = false, .requires_request_replay = true};
    }
    davit::AddressSpaces defaultAddressSpaces() override {
        return {.local = "my_driver-local", .global = "my_driver-global"};
    }

    davit::Pool requestPool(const davit::PoolRequest& request) override {
        if (request.pool.empty() && !request.sub_pool.empty())
            throw Error(Code::invalid, "sub-pool " + request.sub_pool + ": without a pool");
        const std::lock_guard lock(mutex_);
        const Range range = request.pool.empty() ? freeRange(request.v6) : parseRange(request.pool);
        if (request.v6 && range.family != AF_INET6)
            throw Error(Code::invalid, "pool " + request.pool + ": is none of IPv6");
        const Range choice = request.sub_pool.empty() ? range : parseRange(request.sub_pool);
        if (!range.contains(choice))
            throw Error(Code::invalid, "sub-pool " + request.sub_pool + ": isn't in " + request.pool);
        // Made of the request, so that it is the same in the next life.
        const std::string id = request.address_space + "/" + rangeText(range) + "/" + rangeText(choice);
        for (const auto& [other, pool] : pools_)
            if (other != id && pool.range.overlaps(range))
                throw Error(Code::conflict, "pool " + rangeText(range) + ": overlaps " + rangeText(pool.range));
        ++pools_.try_emplace(id, KnownPool{.range = range, .choice = choice}).first->second.users;
        return {.id = id, .pool = rangeText(range), .data = {}};
    }

    void releasePool(const std::string& id) override {
        const std::lock_guard lock(mutex_);
        const auto pool = pools_.find(id);
        if (pool != pools_.end() && --pool->second.users == 0) pools_.erase(pool);
    }

    davit::Address requestAddress(const davit::AddressRequest& request) override {
        const std::lock_guard lock(mutex_);
        const auto found = pools_.find(request.pool_id);
        if (found == pools_.end()) throw Error(Code::not_found, "pool " + request.pool_id + ": no such pool");
        KnownPool& pool = found->second;
        const int family = pool.range.family;
        const Number address = request.address.empty() ? pool.choose() : parseAddress(request.address, family);
        if (address < pool.range.first || address > pool.range.last())
            throw Error(Code::invalid, "address " + request.address + ": isn't in " + rangeText(pool.range));
        if (!pool.taken.insert(address).second)
            throw Error(Code::conflict, "address " + request.address + ": is taken");
        return {.address = addressText(address, family) + "/" + std::to_string(pool.range.prefix), .data = {}};
    }

    void releaseAddress(const std::string& id, const std::string& address) override {
        const std::lock_guard lock(mutex_);
        const auto pool = pools_.find(id);
        if (pool != pools_.end()) pool->second.taken.erase(parseAddress(address, pool->second.range.family));
    }

  private:
    // The first of 256 ranges that no pool has. Yours may want to leave out those of the host's own networks.
    Range freeRange(bool v6) const {
        for (int i = 0; i < 256; ++i) {
            const std::string number = std::to_string(i);
            const Range range = parseRange(v6 ? "fd00:217:0:" + number + "::/64" : "10.217." + number + ".0/24");
            bool is_free = true;
            for (const auto& [id, pool] : pools_) is_free = is_free && !pool.range.overlaps(range);
            if (is_free) return range;
        }
        throw Error(Code::unavailable, "no pool is free");
    }

    std::mutex mutex_;
    std::map<std::string, KnownPool> pools_;
};

}  // namespace

DAVIT_PLUGIN("my_driver", "1.0", MyDriverAddresses)
