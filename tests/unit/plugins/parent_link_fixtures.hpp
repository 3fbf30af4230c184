// A host of the test's own with a link to a neighbour, a driver whose endpoints are links on top of it, and containers.
#pragma once

#include <net/if.h>

#include <memory>

#include "base/id.hpp"
#include "common/setting.hpp"
#include "linux/netlink/links.hpp"
#include "network_fixtures.hpp"
#include "parent_link/parent_link_driver.hpp"

namespace davit::parent_link {

constexpr int kBlocked = 400;  // milliseconds without an answer

/// How a network of LinkHost is to be: 10.N.0.0/24 and, with `ipv6`, fd00:N::/64.
struct Wish {
    int number = 60;
    std::string options = "{}";  ///< JSON
    bool ipv6 = false;
    bool internal = false;
    bool gateway = true;
    std::string host = {};  ///< last part of the auxiliary address "host"
};

inline CreateNetwork requestOf(const std::string& id, const Wish& wish) {
    const auto data = [&](const std::string& net, const std::string& length) {
        IpamData pool{.address_space = "LocalDefault", .pool = net + (length == "/24" ? "0" : "") + length, .gateway = {}, .aux_addresses = {}};
        if (wish.gateway) pool.gateway = net + "1" + length;
        if (!wish.host.empty()) pool.aux_addresses["host"] = net + wish.host + length;
        return pool;
    };
    CreateNetwork request{.network_id = id,
                          .options = {{"com.docker.network.generic", wish.options},
                                      {"com.docker.network.enable_ipv4", "true"},
                                      {"com.docker.network.enable_ipv6", wish.ipv6 ? "true" : "false"},
                                      {"com.docker.network.internal", wish.internal ? "true" : "false"}},
                          .ipv4 = {data(fmt::format("10.{}.0.", wish.number), "/24")},
                          .ipv6 = {}};
    if (wish.ipv6) request.ipv6 = {data(fmt::format("fd00:{}::", wish.number), "/64")};
    return request;
}

inline std::string onWire(const std::string& more = "") { return R"({"parent":"wire0")" + (more.empty() ? "" : "," + more) + "}"; }

/// Its end of the wire is wire0, with 10.60.0.100 and fd00:60::100; the neighbour is .200 on eth0, and 192.0.2.9 behind.
template <class Driver>
struct LinkHost {
    LinkHost() {
        check(::unshare(CLONE_NEWNET), "make a network namespace");
        self = ownNamespace();
        run("ip link set lo up");
        run(fmt::format("ip link add wire0 type veth peer name eth0 netns /proc/{}/fd/{}", ::getpid(), neighbour.fd()));
        for (const char* line : {"ip addr add 10.60.0.100/24 dev wire0", "ip addr add fd00:60::100/64 dev wire0 nodad", "ip link set wire0 up"})
            run(line);
        for (const char* line : {"ip link set lo up", "ip addr add 10.60.0.200/24 dev eth0", "ip addr add fd00:60::200/64 dev eth0 nodad",
                                 "ip addr add 10.60.0.1/24 dev eth0", "ip addr add fd00:60::1/64 dev eth0 nodad",
                                 "ip addr add 192.0.2.9/32 dev lo", "ip addr add 2001:db8::9/128 dev lo nodad", "ip link set eth0 up"})
            if (!neighbour.run(line)) throw error(Code::system, "neighbour: {}", line);
        for (const char* address : {"10.60.0.200", "fd00:60::200"})
            for (int tries = 0; connectFrom(self.get(), address, 1, 200).error != ECONNREFUSED;)
                if (++tries > 50) throw error(Code::system, "the neighbour doesn't answer at {}", address);
        restart();
    }
    void run(const std::string& line) const {
        if (!runIn(self.get(), line)) throw error(Code::system, "host: {}", line);
    }
    /// As if the driver's process had been killed: nothing is closed in order.
    void restart() {
        driver.reset();
        driver = std::make_unique<Driver>(host.context());
    }
    static Wish wire(const std::string& more = "") { return {.options = onWire(more)}; }
    std::string network(const Wish& wish) const {
        const std::string id = randomId();
        driver->createNetwork(requestOf(id, wish));
        return id;
    }
    /// The text that a network is refused with; empty: it was made.
    std::string refusal(const Wish& wish) const {
        try {
            driver->deleteNetwork(network(wish));
        } catch (const Error& e) {
            return e.text();
        }
        return {};
    }
    static bool linked(const std::string& name) { return ::if_nametoindex(name.c_str()) != 0; }

    Sandbox neighbour;
    UniqueFd self;
    TempDir state;
    DriverHost host{state.path().native()};
    std::unique_ptr<Driver> driver;
};

/// On a network of LinkHost: its endpoint, and once joined with routes as the engine sets them.
struct Container {
    Container(NetworkDriver& on_driver, std::string on, int number, int last, bool ipv6 = false, const std::string& mac = "")
        : ip(fmt::format("10.{}.0.{}", number, last)), ip6(fmt::format("fd00:{}::{}", number, last)), driver(on_driver), network(std::move(on)) {
        interface = driver.createEndpoint({.network_id = network,
                                           .endpoint_id = endpoint,
                                           .options = {},
                                           .interface = {.address = ip + "/24", .address_ipv6 = ipv6 ? ip6 + "/64" : "", .mac_address = mac}});
    }
    void join(const JsonOptions& options = {{"com.docker.network.endpoint.ifname", "\"eth0\""}}) {
        reply = driver.join({.network_id = network, .endpoint_id = endpoint, .sandbox_key = sandbox->path(), .options = options});
        if (!reply.gateway.empty()) (void)sandbox->run("ip route add default via " + reply.gateway);
        if (!reply.gateway_ipv6.empty()) (void)sandbox->run("ip -6 route add default via " + reply.gateway_ipv6);
        for (const StaticRoute& route : reply.static_routes) (void)sandbox->run("ip route add " + route.destination + " dev eth0");
    }
    void leave() const {
        driver.leave(network, endpoint);
        driver.deleteEndpoint(network, endpoint);
    }
    [[nodiscard]] int ns() const { return sandbox->fd(); }
    /// The name of every link of the sandbox but the loopback.
    [[nodiscard]] std::vector<std::string> links() const {
        std::vector<std::string> names;
        linux::inNetworkNamespace(ns(), [&names] {
            for (const linux::Link& link : linux::allLinks())
                if (link.name != "lo") names.push_back(link.name);
        });
        return names;
    }
    [[nodiscard]] linux::Link link() const {
        linux::Link found;
        linux::inNetworkNamespace(ns(), [&found] { found = linux::findLink("eth0").value(); });
        return found;
    }

    std::string endpoint = randomId();
    std::string ip, ip6;
    NetworkDriver& driver;
    std::string network;
    std::unique_ptr<Sandbox> sandbox = std::make_unique<Sandbox>();
    EndpointInterface interface;
    JoinReply reply;
};

struct Joined : Container {
    template <typename... Arguments>
    explicit Joined(Arguments&&... arguments) : Container(std::forward<Arguments>(arguments)...) {
        join();
    }
};

/// True when a connection from the one gets through to the other, which listens there.
inline bool reaches(int from, const std::string& ip, Server& server, int port, int timeout_ms = 2000) {
    return bool(connectFrom(from, ip, port, timeout_ms)) && !server.accept(timeout_ms).empty();
}

}  // namespace davit::parent_link
