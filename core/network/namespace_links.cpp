// Links and routes in a sandbox, through libnl. A socket stays in the namespace in which it was opened: the thread inside only
// opens it.
#include <fcntl.h>
#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>

#include <algorithm>

#include "base/check.hpp"
#include "base/file.hpp"
#include "linux/netlink/libnl.hpp"
#include "network/net_namespace.hpp"

namespace davit::network {
namespace {

using linux::libnl::Address;
using linux::libnl::Link;
using linux::libnl::LinkAddress;
using linux::libnl::NextHop;
using linux::libnl::Route;
using linux::libnl::Socket;

template <typename... Args>
void checkNetlink(int failed, fmt::format_string<Args...> what, Args&&... args) {
    if (failed < 0) linux::libnl::check(failed, fmt::format(what, std::forward<Args>(args)...));
}

Socket openSocketIn(const std::filesystem::path& path) {
    Socket socket;
    inNamespace(path, [&] { socket = linux::libnl::connect(); });
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
    const bool found = linux::libnl::found(::rtnl_link_get_kernel(socket, 0, name.c_str(), &link), "find the interface " + name);
    return Link(found ? link : nullptr);
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
    NextHop hop(::rtnl_route_nh_alloc());
    if (index != 0) ::rtnl_route_nh_set_ifindex(hop.get(), index);
    if (!next_hop.empty()) {
        const Address via = parseAddress(next_hop);
        ::rtnl_route_nh_set_gateway(hop.get(), via.get());
    }
    ::rtnl_route_add_nexthop(route.get(), hop.release());
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
    (void)linux::libnl::found(::rtnl_route_delete(socket, route.get(), 0), "remove the default route");  // there may be none
}

}  // namespace

void moveLink(const std::filesystem::path& path, const LinkMove& move) {
    const UniqueFd target = openFile(path, O_RDONLY);
    {
        const Socket host = linux::libnl::connect();
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
    (void)linux::libnl::found(::rtnl_link_delete(inside.get(), link.get()), "remove the interface " + name);  // it may have gone
}

void addAddresses(const std::filesystem::path& path, const std::string& name, const std::vector<std::string>& addresses) {
    const Socket inside = openSocketIn(path);
    const Link link = linkByName(inside.get(), name);
    for (const std::string& address : addresses) addAddress(inside.get(), ::rtnl_link_get_ifindex(link.get()), address);
}

void setRoutes(const std::filesystem::path& path, const RouteChange& change) {
    const Socket socket = openSocketIn(path);
    for (const auto& [interface, route] : change.routes) {
        const Link link = linkByName(socket.get(), interface);
        addRoute(socket.get(), route.destination, route.next_hop, ::rtnl_link_get_ifindex(link.get()));
    }
    // Without a gateway a driver's own default route stays.
    const auto routed = [&change](const char* everything) {
        return std::any_of(change.routes.begin(), change.routes.end(), [&](const auto& one) { return one.second.destination == everything; });
    };
    if (!change.gateway.empty() || !routed("0.0.0.0/0")) setDefault(socket.get(), "0.0.0.0/0", AF_INET, change.gateway);
    if (!change.gateway_v6.empty() || !routed("::/0")) setDefault(socket.get(), "::/0", AF_INET6, change.gateway_v6);
}

}  // namespace davit::network
