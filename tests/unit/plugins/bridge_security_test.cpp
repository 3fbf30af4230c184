// What must not be reachable isn't, and what must is, with the forward policy of iptables either way; each case by the number of
// the risk that it stands for. The names of internal networks (60) are the resolver's.
#include <boost/test/unit_test.hpp>

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>

#include <boost/test/data/test_case.hpp>

#include "bridge_fixtures.hpp"
#include "linux/netlink/links.hpp"

using namespace davit;
using namespace davit::bridge;

namespace {

constexpr int kBlocked = 400;  // milliseconds without an answer
const std::vector<std::string> kPolicies{"ACCEPT", "DROP"};

/// Two networks with both families and an internal one, the policy set before the driver comes.
struct Guarded : BridgeHost {
    explicit Guarded(const std::string& policy) {
        for (const char* program : {"iptables", "ip6tables"})
            if (!run(fmt::format("{} -P FORWARD {}", program, policy))) throw error(Code::system, "set the policy of {}", program);
        one = network(81, "{}", true);
        other = network(82, "{}", true);
        inside = network(83, "{}", true, true);
    }
    std::string one, other, inside;
};

/// A UDP datagram as a frame, which no routing table of the sender has a say about.
class Forger {
  public:
    Forger(int ns, const std::string& link, const linux::MacAddress& to) {
        linux::inNetworkNamespace(ns, [&] {
            fd_.reset(check(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_IP)), "open a packet socket"));
            address_.sll_ifindex = static_cast<int>(::if_nametoindex(link.c_str()));
        });
        address_.sll_family = AF_PACKET;
        address_.sll_protocol = htons(ETH_P_IP);
        address_.sll_halen = 6;
        std::copy(to.bytes.begin(), to.bytes.end(), address_.sll_addr);
    }
    void send(const std::string& from, const std::string& to, int port) const {
        struct {
            iphdr ip{};
            udphdr udp{};
            char content[4] = {'b', 'o', 'o', '\0'};
        } packet;
        packet.ip.version = 4;
        packet.ip.ihl = 5;
        packet.ip.ttl = 64;
        packet.ip.protocol = IPPROTO_UDP;
        packet.ip.tot_len = htons(sizeof packet);
        BOOST_REQUIRE(::inet_pton(AF_INET, from.c_str(), &packet.ip.saddr) == 1);
        BOOST_REQUIRE(::inet_pton(AF_INET, to.c_str(), &packet.ip.daddr) == 1);
        packet.udp.source = htons(4444);
        packet.udp.dest = htons(static_cast<std::uint16_t>(port));
        packet.udp.len = htons(sizeof packet.udp + sizeof packet.content);
        std::uint16_t words[sizeof packet.ip / 2];
        std::memcpy(words, &packet.ip, sizeof packet.ip);
        std::uint32_t sum = 0;
        for (const std::uint16_t word : words) sum += word;
        packet.ip.check = static_cast<std::uint16_t>(~((sum & 0xffffU) + (sum >> 16U)));
        check(::sendto(fd_.get(), &packet, sizeof packet, 0, reinterpret_cast<const sockaddr*>(&address_), sizeof address_), "send a frame");
    }

  private:
    UniqueFd fd_;
    sockaddr_ll address_{};
};

linux::MacAddress macOf(int ns, const std::string& link) {
    linux::MacAddress mac;
    linux::inNetworkNamespace(ns, [&] { mac = linux::findLink(link).value().mac; });
    return mac;
}

// Whether the kernel knows already that the link carries frames.
bool running(const std::string& link) {
    ifreq request{};
    link.copy(request.ifr_name, IFNAMSIZ - 1);
    const UniqueFd fd(check(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "open a socket"));
    check(::ioctl(fd.get(), SIOCGIFFLAGS, &request), "ask for the flags of {}", link);
    return (request.ifr_flags & IFF_RUNNING) != 0;
}

std::uint32_t crc32c(const unsigned char* data, std::size_t size) {
    std::uint32_t crc = ~0U;
    for (std::size_t i = 0; i < size; ++i) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0x82f63b78U : 0U);
    }
    return ~crc;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bridge_security)

BOOST_DATA_TEST_CASE(sec_56_what_is_published_is_reached, kPolicies, policy) {
    Guarded host(policy);
    const Container web(host, host.one, 81, 2, true), beside(host, host.one, 81, 3, true), elsewhere(host, host.other, 82, 2, true);
    Server server(web.ns(), "::", 80);
    web.publish(portMap(80, 8080));
    struct Way {
        const char* who;
        int from;
        const char* to;
    };
    for (const Way& way : {Way{"another host", host.neighbour.fd(), "192.0.2.1"}, Way{"another host", host.neighbour.fd(), "2001:db8::1"},
                           Way{"loopback", host.self.get(), "127.0.0.1"}, Way{"loopback", host.self.get(), "::1"},
                           Way{"the host", host.self.get(), "192.0.2.1"}, Way{"the host", host.self.get(), "2001:db8::1"},
                           Way{"the same container", web.ns(), "192.0.2.1"}, Way{"the same container", web.ns(), "2001:db8::1"},
                           Way{"its neighbour", beside.ns(), "192.0.2.1"}, Way{"its neighbour", beside.ns(), "2001:db8::1"},
                           Way{"another network", elsewhere.ns(), "192.0.2.1"}, Way{"another network", elsewhere.ns(), "2001:db8::1"}}) {
        BOOST_TEST(bool(connectFrom(way.from, way.to, 8080)), way.who << " to " << way.to);
        BOOST_TEST(!server.accept().empty(), way.who << " to " << way.to);
    }
}

BOOST_DATA_TEST_CASE(sec_56_what_is_not_published_is_not_reached, kPolicies, policy) {
    Guarded host(policy);
    const Container web(host, host.one, 81, 2, true), elsewhere(host, host.other, 82, 2, true);
    Server open(web.ns(), "::", 80), hidden(web.ns(), "::", 81);
    web.publish(R"([{"Proto":6,"Port":80,"HostPort":8080},{"Proto":6,"Port":81,"HostPort":8081,"HostIP":"127.0.0.1"},
                    {"Proto":6,"Port":81,"HostPort":8081,"HostIP":"::1"}])");
    for (const int from : {host.neighbour.fd(), elsewhere.ns()})
        for (const std::string& address : {web.ip, web.ip6})
            for (const int port : {80, 81}) BOOST_TEST(connectFrom(from, address, port, kBlocked).error == ETIMEDOUT, address << " " << port);
    // What is bound to loopback is the host's own.
    BOOST_TEST(bool(connectFrom(host.self.get(), "127.0.0.1", 8081)));
    BOOST_TEST(bool(connectFrom(host.self.get(), "::1", 8081)));
    for (const char* address : {"192.0.2.1", "2001:db8::1"})
        for (const int from : {host.neighbour.fd(), elsewhere.ns()}) BOOST_TEST(!connectFrom(from, address, 8081, kBlocked), address);
}

BOOST_DATA_TEST_CASE(sec_56_internal_networks_are_closed, kPolicies, policy) {
    Guarded host(policy);
    const Container secret(host, host.inside, 83, 2, true), friendly(host, host.inside, 83, 3, true), web(host, host.one, 81, 2, true);
    Server server(secret.ns(), "::", 80), outside(host.neighbour.fd(), "::", 443), inside(web.ns(), "::", 80);
    secret.sandbox.run("ip route add default via 10.83.0.1");
    secret.sandbox.run("ip -6 route add default via fd00:83::1");
    BOOST_TEST(bool(connectFrom(friendly.ns(), secret.ip, 80)));
    BOOST_TEST(bool(connectFrom(friendly.ns(), secret.ip6, 80)));
    for (const std::string& address : {secret.ip, secret.ip6})
        for (const int from : {host.neighbour.fd(), web.ns()}) BOOST_TEST(!connectFrom(from, address, 80, kBlocked), address);
    for (const char* address : {"192.0.2.2", "2001:db8::2"}) BOOST_TEST(!connectFrom(secret.ns(), address, 443, kBlocked), address);
    for (const std::string& address : {web.ip, web.ip6}) BOOST_TEST(!connectFrom(secret.ns(), address, 80, kBlocked), address);
}

// Publishing makes the kernel route 127/8 to and from the bridge. The second half shows that the frames would arrive.
BOOST_FIXTURE_TEST_CASE(sec_56_loopback_is_not_reached_by_frames_from_outside, BridgeHost) {
    const std::string net = network(84);
    const Container web(*this, net, 84, 2);
    web.publish(portMap(80, 8080));
    BOOST_REQUIRE(run("sysctl -qw net.ipv4.conf.out0.route_localnet=1"));  // some administrators need it
    const UniqueFd local = socketIn(self.get(), "127.0.0.1", SOCK_DGRAM);
    SocketAddress address("127.0.0.1", 9999);
    BOOST_REQUIRE(::bind(local.get(), address.get(), address.size) == 0);
    const Forger container(web.ns(), "eth0", macOf(self.get(), "br-" + net.substr(0, 12)));
    const Forger stranger(neighbour.fd(), "eth0", macOf(self.get(), "out0"));
    container.send(web.ip, "127.0.0.1", 9999);
    stranger.send("192.0.2.2", "127.0.0.1", 9999);
    BOOST_TEST(!readable(local.get(), kBlocked));
    driver.reset();  // nobody repairs what comes now
    BOOST_REQUIRE(run("nft flush chain ip davit guard"));
    char content[8];
    for (const Forger* forger : {&container, &stranger}) {
        forger->send(forger == &container ? web.ip : "192.0.2.2", "127.0.0.1", 9999);
        BOOST_REQUIRE(readable(local.get(), 2000));
        BOOST_TEST(::recv(local.get(), content, sizeof content, 0) == 4);
    }
}

// Whoever switches forwarding on makes a router of the host, unless it drops what isn't for containers.
BOOST_AUTO_TEST_CASE(sec_57_forwarding_is_switched_on_for_containers_only) {
    for (const bool drop : {true, false}) {
        BridgeHost host(drop ? "{}" : R"({"ip-forward-no-drop":true})");
        Sandbox third;
        host.run(fmt::format("ip link add out1 type veth peer name eth0 netns /proc/{}/fd/{}", ::getpid(), third.fd()));
        host.run("ip addr add 198.51.100.1/24 dev out1");
        host.run("ip link set out1 up");
        for (const char* line : {"ip addr add 198.51.100.2/24 dev eth0", "ip link set eth0 up", "ip route add default via 198.51.100.1"})
            BOOST_REQUIRE(third.run(line));
        Server server(third.fd(), "0.0.0.0", 80);
        BOOST_TEST(readSetting("ipv4/ip_forward").value() == "0");
        BOOST_TEST(!connectFrom(host.neighbour.fd(), "198.51.100.2", 80, kBlocked));
        (void)host.network(31);
        BOOST_TEST(readSetting("ipv4/ip_forward").value() == "1");
        host.restart();
        BOOST_TEST(bool(connectFrom(host.neighbour.fd(), "198.51.100.2", 80, kBlocked)) == !drop);
        BOOST_TEST(host.run("nft list chain ip davit foreign") == drop);
    }
}

BOOST_FIXTURE_TEST_CASE(sec_57_forwarding_that_was_on_before_stays_as_it_is, BridgeHost) {
    BOOST_REQUIRE(run("sysctl -qw net.ipv4.ip_forward=1"));
    (void)network(32);
    BOOST_TEST(!run("nft list chain ip davit foreign"));
    BOOST_TEST(readSetting("ipv4/ip_forward").value() == "1");
}

BOOST_FIXTURE_TEST_CASE(sec_59_interfaces_take_nothing_from_announcements, BridgeHost) {
    const std::string plain = network(85), both = network(86, "{}", true);
    const Container one(*this, plain, 85, 2), two(*this, both, 86, 2, true);
    linux::inNetworkNamespace(one.ns(), [] {
        BOOST_TEST(readSetting("ipv6/conf/eth0/disable_ipv6").value() == "1");
        BOOST_TEST(linux::addressesOf(linux::findLink("eth0").value().index).size() == 1U);
    });
    linux::inNetworkNamespace(two.ns(), [] {
        BOOST_TEST(readSetting("ipv6/conf/eth0/disable_ipv6").value() == "0");
        BOOST_TEST(readSetting("ipv6/conf/eth0/accept_ra").value() == "0");
    });
    for (const std::string& net : {plain, both}) BOOST_TEST(readSetting("ipv6/conf/br-" + net.substr(0, 12) + "/accept_ra").value() == "0");
    BOOST_TEST(readSetting("ipv6/conf/br-" + plain.substr(0, 12) + "/disable_ipv6").value() == "1");
}

BOOST_FIXTURE_TEST_CASE(sec_61_what_would_be_sent_in_clear_is_refused, BridgeHost) {
    for (const char* option : {R"({"encrypted":""})", R"({"com.docker.network.bridge.encrypted":"true"})",
                               R"({"com.docker.network.driver.overlay.encrypted":"1"})", R"({"com.docker.network.bridge.unknown":"1"})"})
        BOOST_CHECK_EXCEPTION((void)network(87, option), Error, [](const Error& e) { return e.code() == Code::invalid; });
    BOOST_TEST(linux::allLinks().size() == 2U);  // lo, out0
}

BOOST_FIXTURE_TEST_CASE(sec_62_a_server_sees_who_its_client_is, BridgeHost) {
    const Container web(*this, network(88, "{}", true), 88, 2, true);
    Server ipv4(web.ns(), "0.0.0.0", 80), ipv6(web.ns(), "fd00:88::2", 81);
    web.publish(R"([{"Proto":6,"Port":80,"HostPort":8080},{"Proto":6,"Port":81,"HostPort":8081}])");
    BOOST_TEST(bool(connectFrom(neighbour.fd(), "192.0.2.1", 8080)));
    BOOST_TEST(ipv4.accept() == "192.0.2.2");
    BOOST_TEST(bool(connectFrom(neighbour.fd(), "2001:db8::1", 8081)));
    BOOST_TEST(ipv6.accept() == "2001:db8::2");
}

// The kernel learns of a carrier late, and until then a bridge drops what comes: the first connection would wait a second.
BOOST_FIXTURE_TEST_CASE(links_carry_when_join_returns, BridgeHost) {
    for (int i = 0; i < 60; ++i) {
        const std::string net = network(100 + i), endpoint = randomId();
        const Sandbox sandbox;
        (void)driver->createEndpoint(
            {.network_id = net, .endpoint_id = endpoint, .options = {}, .interface = {.address = fmt::format("10.{}.0.2/16", 100 + i)}});
        (void)driver->join({.network_id = net, .endpoint_id = endpoint, .sandbox_key = sandbox.path(),
                            .options = {{"com.docker.network.endpoint.ifname", "\"eth0\""}}});
        const bool port = running("veth" + endpoint.substr(0, 7)), bridge = running("br-" + net.substr(0, 12));
        BOOST_REQUIRE(port);
        BOOST_REQUIRE(bridge);
    }
}

// This kernel may have no sockets for SCTP; its packets are made here and looked at as they arrive.
BOOST_FIXTURE_TEST_CASE(sctp_is_translated, BridgeHost) {
    const std::string net = network(89);
    const Container web(*this, net, 89, 2);
    web.publish(portMap(80, 8080, "", 132));
    UniqueFd client, server;
    const auto open = [](UniqueFd& fd) { fd.reset(check(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_SCTP), "open a raw socket")); };
    linux::inNetworkNamespace(neighbour.fd(), [&] { open(client); });
    linux::inNetworkNamespace(web.ns(), [&] { open(server); });
    // Source and destination port, no tag, the checksum; INIT of 20 bytes with its tag, window, one stream each way, the first number.
    unsigned char packet[32] = {0x11, 0x5c, 0x1f, 0x90, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 20, 1, 2, 3, 4, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1};
    const std::uint32_t sum = crc32c(packet, sizeof packet);
    for (int i = 0; i < 4; ++i) packet[8 + i] = static_cast<unsigned char>(sum >> 8 * i);
    SocketAddress to("192.0.2.1", 0);
    BOOST_REQUIRE(::sendto(client.get(), packet, sizeof packet, 0, to.get(), to.size) == static_cast<ssize_t>(sizeof packet));
    BOOST_REQUIRE(readable(server.get(), 2000));
    unsigned char got[128];
    BOOST_REQUIRE(::recv(server.get(), got, sizeof got, 0) == static_cast<ssize_t>(sizeof(iphdr) + sizeof packet));
    const unsigned char* arrived = got + sizeof(iphdr);
    BOOST_TEST((arrived[2] << 8 | arrived[3]) == 80);
    std::memcpy(packet, arrived, sizeof packet);
    std::memset(packet + 8, 0, 4);
    std::uint32_t carried = 0;
    for (int i = 3; i >= 0; --i) carried = carried << 8U | arrived[8 + i];
    BOOST_TEST(carried == crc32c(packet, sizeof packet));
}

BOOST_AUTO_TEST_SUITE_END()
