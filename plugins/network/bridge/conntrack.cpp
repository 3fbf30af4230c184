#include "conntrack.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <set>

#include <libnetfilter_conntrack/libnetfilter_conntrack.h>

#include "base/check.hpp"

namespace davit::bridge {
namespace {

struct Release {
    void operator()(nfct_handle* handle) const noexcept { (void)::nfct_close(handle); }  // there is nothing to flush
    void operator()(nf_conntrack* flow) const noexcept { ::nfct_destroy(flow); }
    void operator()(ifaddrs* list) const noexcept { ::freeifaddrs(list); }
};
using Handle = std::unique_ptr<nfct_handle, Release>;
using Flow = std::unique_ptr<nf_conntrack, Release>;

Handle openConntrack() {
    Handle handle(::nfct_open(CONNTRACK, 0));
    if (!handle) check(-1, "open the connection tracking");
    return handle;
}

IpAddress fromBytes(IpFamily family, const void* bytes) {
    IpAddress result{family, 0};
    for (unsigned i = 0; i < ipBits(family) / 8; ++i) result.number = result.number << 8U | static_cast<const unsigned char*>(bytes)[i];
    return result;
}

std::set<IpAddress> localAddresses() {
    ifaddrs* first = nullptr;
    check(::getifaddrs(&first), "list this host's addresses");
    const std::unique_ptr<ifaddrs, Release> list(first);
    std::set<IpAddress> result;
    for (const ifaddrs* at = list.get(); at != nullptr; at = at->ifa_next) {
        if (at->ifa_addr == nullptr) continue;
        if (at->ifa_addr->sa_family == AF_INET) result.insert(fromBytes(IpFamily::v4, &reinterpret_cast<const sockaddr_in*>(at->ifa_addr)->sin_addr));
        if (at->ifa_addr->sa_family == AF_INET6)
            result.insert(fromBytes(IpFamily::v6, &reinterpret_cast<const sockaddr_in6*>(at->ifa_addr)->sin6_addr));
    }
    return result;
}

struct Search {
    const std::vector<PublishedPort>& ports;
    const std::set<IpAddress> locals = localAddresses();
    IpFamily family = IpFamily::v4;
    std::vector<Flow> found;

    [[nodiscard]] IpAddress address(const nf_conntrack* flow, nf_conntrack_attr ipv4, nf_conntrack_attr ipv6) const {
        return fromBytes(family, ::nfct_get_attr(flow, family == IpFamily::v4 ? ipv4 : ipv6));
    }
    // Those that only pass through this host on their way to a port of that number elsewhere aren't meant.
    [[nodiscard]] bool meant(const nf_conntrack* flow) const {
        if (::nfct_get_attr_u8(flow, ATTR_ORIG_L4PROTO) != IPPROTO_UDP) return false;
        const IpAddress to = address(flow, ATTR_ORIG_IPV4_DST, ATTR_ORIG_IPV6_DST);
        const unsigned number = ntohs(::nfct_get_attr_u16(flow, ATTR_ORIG_PORT_DST));
        const IpPrefix loopback = *IpPrefix::parse("127.0.0.0/8");
        return std::any_of(ports.begin(), ports.end(), [&](const PublishedPort& port) {
            if (port.protocol != Protocol::udp || port.host_port != number || port.host.family != family) return false;
            return port.host.number != 0 ? port.host == to : locals.contains(to) || (family == IpFamily::v4 && loopback.contains(to));
        });
    }
};

int visit(nf_conntrack_msg_type, nf_conntrack* flow, void* data) {
    auto& search = *static_cast<Search*>(data);
    if (search.meant(flow)) search.found.emplace_back(::nfct_clone(flow));
    return NFCT_CB_CONTINUE;
}

}  // namespace

void forgetFlows(const std::vector<PublishedPort>& ports) {
    if (std::none_of(ports.begin(), ports.end(), [](const PublishedPort& port) { return port.protocol == Protocol::udp && !port.direct; })) return;
    Search search{.ports = ports};
    const Handle reader = openConntrack(), writer = openConntrack();
    ::nfct_callback_register(reader.get(), NFCT_T_ALL, visit, &search);
    for (const IpFamily family : {IpFamily::v4, IpFamily::v6}) {
        search.family = family;
        const std::uint32_t number = family == IpFamily::v4 ? AF_INET : AF_INET6;
        check(::nfct_query(reader.get(), NFCT_Q_DUMP, &number), "list tracked connections");
    }
    for (const Flow& flow : search.found)
        if (::nfct_query(writer.get(), NFCT_Q_DESTROY, flow.get()) != 0 && errno != ENOENT) check(-1, "forget a tracked flow");
}

}  // namespace davit::bridge
