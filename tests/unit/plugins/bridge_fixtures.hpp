// A host of the test's own with a bridge driver, a neighbour on its wire, and containers.
#pragma once

#include <signal.h>
#include <sys/stat.h>

#include <charconv>
#include <filesystem>
#include <memory>

#include "base/id.hpp"
#include "common/setting.hpp"
#include "network_fixtures.hpp"
#include "plugins/network/bridge/bridge_driver.hpp"

namespace davit::bridge {

/// The processes that keep ports in a network namespace.
inline std::vector<int> helpers(int ns) {
    struct stat own {}, other {};
    check(::fstat(ns, &own), "look at the network namespace");
    std::vector<int> found;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        int pid = 0;
        const std::string name = entry.path().filename();
        if (std::from_chars(name.data(), name.data() + name.size(), pid).ptr != name.data() + name.size()) continue;
        std::string comm(64, '\0');
        const UniqueFd file(::open((entry.path() / "comm").c_str(), O_RDONLY | O_CLOEXEC));
        const ssize_t size = file ? ::read(file.get(), comm.data(), comm.size()) : -1;  // it may end meanwhile
        if (size < 0 || comm.substr(0, static_cast<std::size_t>(size)) != "davit-port-forw\n") continue;
        if (::stat((entry.path() / "ns/net").c_str(), &other) == 0 && other.st_ino == own.st_ino) found.push_back(pid);
    }
    return found;
}

/// 192.0.2.1 and 2001:db8::1 on out0; the neighbour is .2 and sends everything to this host.
struct BridgeHost {
    explicit BridgeHost(const std::string& config = "{}") : config_json(config) {
        check(::unshare(CLONE_NEWNET), "make a network namespace");
        self = ownNamespace();
        for (const char* name : {"ipv4/ip_forward", "ipv6/conf/all/forwarding"}) (void)writeSetting(name, "0");  // else as the machine has it
        run("ip link set lo up");
        run(fmt::format("ip link add out0 type veth peer name eth0 netns /proc/{}/fd/{}", ::getpid(), neighbour.fd()));
        run("ip addr add 192.0.2.1/24 dev out0");
        run("ip addr add 2001:db8::1/64 dev out0 nodad");
        run("ip link set out0 up");
        for (const char* line : {"ip link set lo up", "ip addr add 192.0.2.2/24 dev eth0", "ip addr add 2001:db8::2/64 dev eth0 nodad",
                                 "ip link set eth0 up", "ip route add default via 192.0.2.1", "ip -6 route add default via 2001:db8::1"})
            if (!neighbour.run(line)) throw error(Code::system, "neighbour: {}", line);
        awaitNeighbour();
        restart();
    }
    /// A link that has just come up loses packets; that isn't what the tests are about.
    void awaitNeighbour() const {
        for (const char* address : {"192.0.2.1", "2001:db8::1"})
            for (int tries = 0; connectFrom(neighbour.fd(), address, 1, 200).error != ECONNREFUSED;)
                if (++tries > 50) throw error(Code::system, "the neighbour doesn't reach {}", address);
    }
    BridgeHost(const BridgeHost&) = delete;
    BridgeHost& operator=(const BridgeHost&) = delete;
    /// Ports go on without a driver, and here nobody comes to end that.
    ~BridgeHost() {
        driver.reset();
        for (const int helper : helpers(self.get())) (void)::kill(helper, SIGKILL);  // it may have ended
    }
    bool run(const std::string& line) const { return runIn(self.get(), line); }
    /// As if the driver's process had been killed: nothing is closed in order.
    void restart() {
        driver.reset();
        driver = std::make_unique<BridgeDriver>(host.context(config_json));
    }

    std::string network(int number, const std::string& generic = "{}", bool ipv6 = false, bool internal = false) const {
        const std::string id = randomId();
        driver->createNetwork({.network_id = id,
                               .options = {{"com.docker.network.generic", generic},
                                           {"com.docker.network.enable_ipv6", ipv6 ? "true" : "false"},
                                           {"com.docker.network.internal", internal ? "true" : "false"}},
                               .ipv4 = {{.address_space = "LocalDefault",
                                         .pool = fmt::format("10.{}.0.0/16", number),
                                         .gateway = fmt::format("10.{}.0.1/16", number),
                                         .aux_addresses = {}}},
                               .ipv6 = ipv6 ? std::vector<IpamData>{{.address_space = "LocalDefault",
                                                                     .pool = fmt::format("fd00:{}::/64", number),
                                                                     .gateway = fmt::format("fd00:{}::1/64", number),
                                                                     .aux_addresses = {}}}
                                            : std::vector<IpamData>{}});
        return id;
    }

    Sandbox neighbour;
    UniqueFd self;
    TempDir state;
    DriverHost host{state.path().native()};
    std::string config_json;
    std::unique_ptr<BridgeDriver> driver;
};

/// On a network of BridgeHost, joined, with routes as the engine sets them.
struct Container {
    Container(BridgeHost& host, const std::string& on, int number, int last, bool ipv6 = false)
        : ip(fmt::format("10.{}.0.{}", number, last)), ip6(fmt::format("fd00:{}::{}", number, last)), driver(*host.driver), network(on) {
        (void)driver.createEndpoint({.network_id = on,
                                     .endpoint_id = endpoint,
                                     .options = {},
                                     .interface = {.address = ip + "/16", .address_ipv6 = ipv6 ? ip6 + "/64" : "", .mac_address = {}}});
        reply = driver.join({.network_id = on,
                             .endpoint_id = endpoint,
                             .sandbox_key = sandbox.path(),
                             .options = {{"com.docker.network.endpoint.ifname", "\"eth0\""}}});
        if (!reply.gateway.empty()) sandbox.run("ip route add default via " + reply.gateway);
        if (!reply.gateway_ipv6.empty()) sandbox.run("ip -6 route add default via " + reply.gateway_ipv6);
    }
    void publish(const std::string& portmap) const {
        driver.programExternalConnectivity(network, endpoint, {{"com.docker.network.portmap", portmap}});
    }
    [[nodiscard]] int ns() const { return sandbox.fd(); }

    std::string endpoint = randomId();
    std::string ip, ip6;
    BridgeDriver& driver;
    std::string network;
    Sandbox sandbox;
    JoinReply reply;
};

inline std::string portMap(int port, int host_port, const std::string& host_ip = "", int protocol = 6) {
    return fmt::format(R"([{{"Proto":{},"Port":{},"HostIP":"{}","HostPort":{}}}])", protocol, port, host_ip, host_port);
}

}  // namespace davit::bridge
