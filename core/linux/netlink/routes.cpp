#include "linux/netlink/routes.hpp"

#include <netlink/netlink.h>
#include <netlink/route/route.h>

#include <memory>

#include "base/check.hpp"

namespace davit::linux {
namespace {

template <auto Release>
struct Deleter {
    template <typename T>
    void operator()(T* object) const noexcept {
        Release(object);
    }
};
using Socket = std::unique_ptr<nl_sock, Deleter<&::nl_socket_free>>;
using Cache = std::unique_ptr<nl_cache, Deleter<&::nl_cache_free>>;

Cache readRoutes(IpFamily family) {
    const Socket socket(::nl_socket_alloc());
    if (!socket) throw Error(Code::system, "read the routes: out of memory");
    nl_cache* cache = nullptr;
    int failed = ::nl_connect(socket.get(), NETLINK_ROUTE);
    if (failed >= 0) failed = ::rtnl_route_alloc_cache(socket.get(), family == IpFamily::v4 ? AF_INET : AF_INET6, 0, &cache);
    if (failed < 0) throw error(Code::system, "read the routes: {}", ::nl_geterror(failed));
    return Cache(cache);
}

IpPrefix prefixOf(const nl_addr* address, IpFamily family) {
    IpPrefix prefix{{family, 0}, ::nl_addr_get_prefixlen(address)};
    const auto* bytes = static_cast<const unsigned char*>(::nl_addr_get_binary_addr(address));
    const unsigned count = ::nl_addr_get_len(address);
    for (unsigned i = 0; i < ipBits(family) / 8; ++i) prefix.address.number = prefix.address.number << 8 | (i < count ? bytes[i] : 0U);
    return prefix;
}

}  // namespace

std::vector<IpPrefix> routedPrefixes(IpFamily family) {
    static const IpPrefix kLinkLocal = *IpPrefix::parse("fe80::/10");
    const Cache cache = readRoutes(family);
    std::vector<IpPrefix> prefixes;
    for (nl_object* object = ::nl_cache_get_first(cache.get()); object != nullptr; object = ::nl_cache_get_next(object)) {
        auto* route = reinterpret_cast<rtnl_route*>(object);
        if (::rtnl_route_get_table(route) != RT_TABLE_MAIN) continue;
        const IpPrefix prefix = prefixOf(::rtnl_route_get_dst(route), family);
        if (prefix.length > 0 && !kLinkLocal.overlaps(prefix)) prefixes.push_back(prefix);
    }
    return prefixes;
}

}  // namespace davit::linux
