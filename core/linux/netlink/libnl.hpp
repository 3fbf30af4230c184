// Owners of libnl's objects, and a connection to rtnetlink. For the .cpp files that work with libnl; its own headers stay there.
#pragma once

#include <memory>
#include <string>

struct nl_addr;
struct nl_cache;
struct nl_sock;
struct rtnl_addr;
struct rtnl_link;
struct rtnl_nexthop;
struct rtnl_route;

namespace davit::linux::libnl {

struct Release {
    void operator()(nl_addr* object) const noexcept;
    void operator()(nl_cache* object) const noexcept;
    void operator()(nl_sock* object) const noexcept;
    void operator()(rtnl_addr* object) const noexcept;
    void operator()(rtnl_link* object) const noexcept;
    void operator()(rtnl_nexthop* object) const noexcept;
    void operator()(rtnl_route* object) const noexcept;
};
using Address = std::unique_ptr<nl_addr, Release>;
using Cache = std::unique_ptr<nl_cache, Release>;
using Socket = std::unique_ptr<nl_sock, Release>;
using LinkAddress = std::unique_ptr<rtnl_addr, Release>;
using Link = std::unique_ptr<rtnl_link, Release>;
using NextHop = std::unique_ptr<rtnl_nexthop, Release>;  ///< until a route has it
using Route = std::unique_ptr<rtnl_route, Release>;

/// A connection to rtnetlink in the network namespace of the calling thread, where it stays. One thread at a time.
[[nodiscard]] Socket connect();

/// `failed` is what a function of libnl returned; below zero it throws Error{system} "what: libnl's reason".
void check(int failed, const std::string& what);
/// The same of what looks for something: true when it is there, false when there is none.
[[nodiscard]] bool found(int failed, const std::string& what);

}  // namespace davit::linux::libnl
