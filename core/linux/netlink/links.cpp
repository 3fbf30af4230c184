#include "linux/netlink/links.hpp"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "base/check.hpp"
#include "base/unique_fd.hpp"
#include "linux/netlink/libnl.hpp"
#include "linux/netlink/link_requests.hpp"

namespace davit::linux {
namespace {

const char* orEmpty(const char* text) { return text != nullptr ? text : ""; }

Link describe(rtnl_link* link) {
    Link result{.index = ::rtnl_link_get_ifindex(link),
                .name = orEmpty(::rtnl_link_get_name(link)),
                .kind = orEmpty(::rtnl_link_get_type(link)),
                .alias = orEmpty(::rtnl_link_get_ifalias(link)),
                .mac = {},
                .mtu = ::rtnl_link_get_mtu(link),
                .master = ::rtnl_link_get_master(link),
                .up = (::rtnl_link_get_flags(link) & IFF_UP) != 0,
                .traffic = {.received_bytes = ::rtnl_link_get_stat(link, RTNL_LINK_RX_BYTES),
                            .received_packets = ::rtnl_link_get_stat(link, RTNL_LINK_RX_PACKETS),
                            .sent_bytes = ::rtnl_link_get_stat(link, RTNL_LINK_TX_BYTES),
                            .sent_packets = ::rtnl_link_get_stat(link, RTNL_LINK_TX_PACKETS)}};
    if (nl_addr* mac = ::rtnl_link_get_addr(link); mac != nullptr && ::nl_addr_get_len(mac) == result.mac.bytes.size())
        std::memcpy(result.mac.bytes.data(), ::nl_addr_get_binary_addr(mac), result.mac.bytes.size());
    return result;
}

IpPrefix describe(nl_addr* address) {
    const auto* bytes = static_cast<const unsigned char*>(::nl_addr_get_binary_addr(address));
    IpPrefix result{{::nl_addr_get_family(address) == AF_INET ? IpFamily::v4 : IpFamily::v6, 0}, ::nl_addr_get_prefixlen(address)};
    for (unsigned i = 0; i < ::nl_addr_get_len(address); ++i) result.address.number = result.address.number << 8U | bytes[i];
    return result;
}

template <class Visit>
void forEach(const libnl::Cache& cache, const Visit& visit) {
    for (nl_object* object = ::nl_cache_get_first(cache.get()); object != nullptr; object = ::nl_cache_get_next(object)) visit(object);
}

}  // namespace

std::optional<Link> findLink(const std::string& name) {
    const libnl::Socket socket = libnl::connect();
    rtnl_link* found = nullptr;
    if (!libnl::found(::rtnl_link_get_kernel(socket.get(), 0, name.c_str(), &found), "read link " + name)) return std::nullopt;
    const libnl::Link link(found);
    return describe(link.get());
}

std::vector<Link> allLinks() {
    const libnl::Socket socket = libnl::connect();
    nl_cache* read = nullptr;
    libnl::check(::rtnl_link_alloc_cache(socket.get(), AF_UNSPEC, &read), "read the links");
    const libnl::Cache cache(read);
    std::vector<Link> links;
    forEach(cache, [&links](nl_object* object) { links.push_back(describe(reinterpret_cast<rtnl_link*>(object))); });
    return links;
}

std::vector<IpPrefix> addressesOf(int index) {
    static const IpPrefix kLinkLocal = *IpPrefix::parse("fe80::/10");
    const libnl::Socket socket = libnl::connect();
    nl_cache* read = nullptr;
    libnl::check(::rtnl_addr_alloc_cache(socket.get(), &read), "read the addresses");
    const libnl::Cache cache(read);
    std::vector<IpPrefix> addresses;
    forEach(cache, [&](nl_object* object) {
        auto* address = reinterpret_cast<rtnl_addr*>(object);
        if (::rtnl_addr_get_ifindex(address) != index) return;
        nl_addr* local = ::rtnl_addr_get_local(address);
        if (local == nullptr) return;
        const IpPrefix prefix = describe(local);
        if (!kLinkLocal.contains(prefix.address)) addresses.push_back(prefix);
    });
    std::sort(addresses.begin(), addresses.end());
    return addresses;
}

// Refused for want of a parent by a kernel that knows the kind.
bool supportsUpperLink(const std::string& kind) {
    NetlinkBatch batch;
    addLink(batch, "davit-probe", kind);
    try {
        batch.run();
    } catch (const Error& e) {
        return e.sysErrno() != EOPNOTSUPP;
    }
    return true;
}

void settleCarrier(const std::string& name) {
    const UniqueFd fd(check(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "open a socket"));
    ethtool_value value{};
    value.cmd = ETHTOOL_GLINK;
    ifreq request{};
    name.copy(request.ifr_name, sizeof request.ifr_name - 1);
    request.ifr_data = reinterpret_cast<char*>(&value);
    check(::ioctl(fd.get(), SIOCETHTOOL, &request), "read the carrier of {}", name);
}

}  // namespace davit::linux
