#include "linux/netlink/libnl.hpp"

#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/route.h>

#include "base/check.hpp"

namespace davit::linux::libnl {

void Release::operator()(nl_addr* object) const noexcept { ::nl_addr_put(object); }
void Release::operator()(nl_cache* object) const noexcept { ::nl_cache_free(object); }
void Release::operator()(nl_sock* object) const noexcept { ::nl_socket_free(object); }
void Release::operator()(rtnl_addr* object) const noexcept { ::rtnl_addr_put(object); }
void Release::operator()(rtnl_link* object) const noexcept { ::rtnl_link_put(object); }
void Release::operator()(rtnl_nexthop* object) const noexcept { ::rtnl_route_nh_free(object); }
void Release::operator()(rtnl_route* object) const noexcept { ::rtnl_route_put(object); }

Socket connect() {
    Socket socket(::nl_socket_alloc());
    if (!socket) throw Error(Code::system, "open a netlink socket: out of memory");
    check(::nl_connect(socket.get(), NETLINK_ROUTE), "open a netlink socket");
    return socket;
}

void check(int failed, const std::string& what) {
    if (failed < 0) throw error(Code::system, "{}: {}", what, ::nl_geterror(failed));
}

bool found(int failed, const std::string& what) {
    if (failed == -NLE_NODEV || failed == -NLE_OBJ_NOTFOUND || failed == -NLE_NOADDR) return false;
    check(failed, what);
    return true;
}

}  // namespace davit::linux::libnl
