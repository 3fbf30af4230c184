#include "linux/netlink/routes.hpp"

#include <netlink/netlink.h>
#include <netlink/route/route.h>

#include "linux/netlink/libnl.hpp"

namespace davit::linux {
namespace {

libnl::Cache readRoutes(IpFamily family) {
    const libnl::Socket socket = libnl::connect();
    nl_cache* cache = nullptr;
    libnl::check(::rtnl_route_alloc_cache(socket.get(), family == IpFamily::v4 ? AF_INET : AF_INET6, 0, &cache), "read the routes");
    return libnl::Cache(cache);
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
    const libnl::Cache cache = readRoutes(family);
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
