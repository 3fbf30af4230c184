// Links and routes in a sandbox, through libnl. A socket stays in the namespace in which it was opened: the thread inside only
// opens it.
#include <fcntl.h>
#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>

#include <memory>

#include "base/check.hpp"
#include "base/file.hpp"
#include "network/net_namespace.hpp"

namespace davit::network {
namespace {

template <auto Release>
struct Deleter {
    template <typename T>
    void operator()(T* object) const noexcept {
        Release(object);
    }
};
using Socket = std::unique_ptr<nl_sock, Deleter<&::nl_socket_free>>;
using Link = std::unique_ptr<rtnl_link, Deleter<&::rtnl_link_put>>;
using Route = std::unique_ptr<rtnl_route, Deleter<&::rtnl_route_put>>;
using LinkAddress = std::unique_ptr<rtnl_addr, Deleter<&::rtnl_addr_put>>;
using Address = std::unique_ptr<nl_addr, Deleter<&::nl_addr_put>>;

template <typename... Args>
void checkNetlink(int failed, fmt::format_string<Args...> what, Args&&... args) {
    if (failed >= 0) return;
    throw error(Code::system, "{}: {}", fmt::format(what, std::forward<Args>(args)...), ::nl_geterror(failed));
}

Socket openSocket() {
    Socket socket(::nl_socket_alloc());
    if (!socket) throw Error(Code::system, "netlink: out of memory");
    checkNetlink(::nl_connect(socket.get(), NETLINK_ROUTE), "connect to netlink");
    return socket;
}

Socket openSocketIn(const std::filesystem::path& path) {
    Socket socket;
    inNamespace(path, [&] { socket = openSocket(); });
    return socket;
}

Link linkByName(nl_sock* socket, const std::string& name) {
    rtnl_link* link = nullptr;
    checkNetlink(::rtnl_link_get_kernel(socket, 0, name.c_str(), &link), "find the interface {}", name);
    return Link(link);
}

Address parseAddress(const std::string& text, int family = AF_UNSPEC) {
    nl_addr* address = nullptr;
    checkNetlink(::nl_addr_parse(text.c_str(), family, &address), "read the address {}", text);
    return Address(address);
}

/// Null when there is none of that name.
Link findLink(nl_sock* socket, const std::string& name) {
    rtnl_link* link = nullptr;
    const int failed = ::rtnl_link_get_kernel(socket, 0, name.c_str(), &link);
    if (failed == -NLE_NODEV || failed == -NLE_OBJ_NOTFOUND) return {};
    checkNetlink(failed, "find the interface {}", name);
    return Link(link);
}

void addAddress(nl_sock* socket, int index, const std::string& text) {
    const LinkAddress address(::rtnl_addr_alloc());
    const Address local = parseAddress(text);
    ::rtnl_addr_set_ifindex(address.get(), index);
    checkNetlink(::rtnl_addr_set_local(address.get(), local.get()), "address {}", text);
    if (::nl_addr_get_family(local.get()) == AF_INET6) ::rtnl_addr_set_flags(address.get(), IFA_F_NODAD);
    checkNetlink(::rtnl_addr_add(socket, address.get(), NLM_F_REPLACE), "add the address {}", text);
}

Route makeRoute(const std::string& destination, const std::string& next_hop, int index) {
    const Address to = parseAddress(destination, next_hop.find(':') != std::string::npos ? AF_INET6 : AF_UNSPEC);
    Route route(::rtnl_route_alloc());
    ::rtnl_route_set_family(route.get(), static_cast<std::uint8_t>(::nl_addr_get_family(to.get())));
    checkNetlink(::rtnl_route_set_dst(route.get(), to.get()), "route to {}", destination);
    ::rtnl_route_set_scope(route.get(), next_hop.empty() ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE);
    rtnl_nexthop* hop = ::rtnl_route_nh_alloc();
    if (index != 0) ::rtnl_route_nh_set_ifindex(hop, index);
    if (!next_hop.empty()) {
        const Address via = parseAddress(next_hop);
        ::rtnl_route_nh_set_gateway(hop, via.get());
    }
    ::rtnl_route_add_nexthop(route.get(), hop);
    return route;
}

void addRoute(nl_sock* socket, const std::string& destination, const std::string& next_hop, int index) {
    const Route route = makeRoute(destination, next_hop, index);
    checkNetlink(::rtnl_route_add(socket, route.get(), NLM_F_REPLACE), "set the route to {} via {}", destination,
                 next_hop.empty() ? "the link" : next_hop);
}

void setDefault(nl_sock* socket, const char* destination, int family, const std::string& gateway) {
    if (!gateway.empty()) return addRoute(socket, destination, gateway, 0);
    const Route route(::rtnl_route_alloc());
    const Address to = parseAddress(destination, family);
    ::rtnl_route_set_family(route.get(), static_cast<std::uint8_t>(family));
    ::rtnl_route_set_scope(route.get(), RT_SCOPE_UNIVERSE);  // else libnl guesses one of a link, which matches nothing
    checkNetlink(::rtnl_route_set_dst(route.get(), to.get()), "default route");
    const int failed = ::rtnl_route_delete(socket, route.get(), 0);
    if (failed != -NLE_OBJ_NOTFOUND && failed != -NLE_NOADDR) checkNetlink(failed, "remove the default route");
}

}  // namespace

void moveLink(const std::filesystem::path& path, const LinkMove& move) {
    const UniqueFd target = openFile(path, O_RDONLY);
    {
        const Socket host = openSocket();
        const Link link = linkByName(host.get(), move.source);
        const Link change(::rtnl_link_alloc());
        ::rtnl_link_set_ns_fd(change.get(), target.get());
        checkNetlink(::rtnl_link_change(host.get(), link.get(), change.get(), 0), "move the interface {} into {}", move.source,
                     path.string());
    }
    const Socket inside = openSocketIn(path);
    const Link link = linkByName(inside.get(), move.source);
    const Link change(::rtnl_link_alloc());
    ::rtnl_link_set_name(change.get(), move.name.c_str());
    if (!move.mac_address.empty()) ::rtnl_link_set_addr(change.get(), parseAddress(move.mac_address, AF_LLC).get());
    checkNetlink(::rtnl_link_change(inside.get(), link.get(), change.get(), 0), "rename the interface {} to {}", move.source, move.name);
    const Link renamed = linkByName(inside.get(), move.name);
    for (const std::string& address : move.addresses) addAddress(inside.get(), ::rtnl_link_get_ifindex(renamed.get()), address);
    const Link up(::rtnl_link_alloc());
    ::rtnl_link_set_flags(up.get(), IFF_UP);
    checkNetlink(::rtnl_link_change(inside.get(), renamed.get(), up.get(), 0), "raise the interface {}", move.name);
}

void returnLink(const std::filesystem::path& path, const std::string& name, const std::string& source) {
    const Socket inside = openSocketIn(path);
    const Link link = findLink(inside.get(), name);
    if (!link) return;
    const UniqueFd host = openFile("/proc/thread-self/ns/net", O_RDONLY);
    const Link down(::rtnl_link_alloc());
    ::rtnl_link_unset_flags(down.get(), IFF_UP);
    checkNetlink(::rtnl_link_change(inside.get(), link.get(), down.get(), 0), "lower the interface {}", name);
    const Link change(::rtnl_link_alloc());
    ::rtnl_link_set_name(change.get(), source.c_str());
    ::rtnl_link_set_ns_fd(change.get(), host.get());
    checkNetlink(::rtnl_link_change(inside.get(), link.get(), change.get(), 0), "give the interface {} back as {}", name, source);
}

void removeLink(const std::filesystem::path& path, const std::string& name) {
    const Socket inside = openSocketIn(path);
    const Link link = findLink(inside.get(), name);
    if (!link) return;
    const int failed = ::rtnl_link_delete(inside.get(), link.get());
    if (failed != -NLE_NODEV && failed != -NLE_OBJ_NOTFOUND) checkNetlink(failed, "remove the interface {}", name);
}

void setRoutes(const std::filesystem::path& path, const RouteChange& change) {
    const Socket socket = openSocketIn(path);
    for (const auto& [interface, route] : change.routes) {
        const Link link = linkByName(socket.get(), interface);
        addRoute(socket.get(), route.destination, route.next_hop, ::rtnl_link_get_ifindex(link.get()));
    }
    setDefault(socket.get(), "0.0.0.0/0", AF_INET, change.gateway);
    setDefault(socket.get(), "::/0", AF_INET6, change.gateway_v6);
}

}  // namespace davit::network
