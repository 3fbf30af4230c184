// Who reaches whom: containers on bridges, their host, and a neighbour of it.
#include <boost/test/unit_test.hpp>

#include "bridge_fixtures.hpp"

using namespace davit;
using namespace davit::bridge;

namespace {

constexpr int kBlocked = 400;  // milliseconds without an answer

struct Published : BridgeHost {
    std::string net = network(21);
    Container web{*this, net, 21, 2};
    Server server{web.ns(), "0.0.0.0", 80};
};

}  // namespace

BOOST_AUTO_TEST_SUITE(bridge_traffic)

BOOST_FIXTURE_TEST_CASE(a_neighbour_reaches_a_published_port_and_keeps_its_address, Published) {
    web.publish(portMap(80, 8080));
    BOOST_TEST(bool(connectFrom(neighbour.fd(), "192.0.2.1", 8080)));
    BOOST_TEST(server.accept() == "192.0.2.2");
}

BOOST_FIXTURE_TEST_CASE(the_host_reaches_a_published_port_by_any_of_its_addresses, Published) {
    web.publish(portMap(80, 8080));
    for (const char* address : {"127.0.0.1", "127.1.2.3", "192.0.2.1", "10.21.0.1"}) {
        BOOST_TEST(bool(connectFrom(self.get(), address, 8080)), address);
        BOOST_TEST(!server.accept().empty(), address);
    }
}

BOOST_FIXTURE_TEST_CASE(a_container_reaches_its_own_published_port, Published) {
    web.publish(portMap(80, 8080));
    for (const char* address : {"192.0.2.1", "10.21.0.1"}) BOOST_TEST(bool(connectFrom(web.ns(), address, 8080)), address);
    BOOST_TEST(server.accept() == "10.21.0.1");
}

BOOST_FIXTURE_TEST_CASE(containers_reach_published_ports_of_their_own_and_of_other_networks, Published) {
    web.publish(portMap(80, 8080));
    const Container beside(*this, net, 21, 3);
    const Container elsewhere(*this, network(22), 22, 2);
    BOOST_TEST(bool(connectFrom(beside.ns(), "192.0.2.1", 8080)));
    BOOST_TEST(bool(connectFrom(elsewhere.ns(), "192.0.2.1", 8080)));
}

BOOST_FIXTURE_TEST_CASE(containers_of_one_network_talk_and_those_of_two_do_not, Published) {
    web.publish(portMap(80, 8080));
    const Container beside(*this, net, 21, 3);
    const Container elsewhere(*this, network(22), 22, 2);
    BOOST_TEST(bool(connectFrom(beside.ns(), web.ip, 80)));
    BOOST_TEST(connectFrom(elsewhere.ns(), web.ip, 80, kBlocked).error == ETIMEDOUT);
}

BOOST_FIXTURE_TEST_CASE(without_icc_containers_of_one_network_do_not_talk, BridgeHost) {
    const std::string net = network(23, R"({"com.docker.network.bridge.enable_icc":"false"})");
    const Container one(*this, net, 23, 2), other(*this, net, 23, 3);
    Server server(one.ns(), "0.0.0.0", 80);
    BOOST_TEST(!connectFrom(other.ns(), one.ip, 80, kBlocked));
    // Nor when it goes through the host on purpose.
    other.sandbox.run("ip route add 10.23.0.2/32 via 10.23.0.1");
    BOOST_TEST(!connectFrom(other.ns(), one.ip, 80, kBlocked));
    BOOST_TEST(bool(connectFrom(self.get(), one.ip, 80)));
}

BOOST_FIXTURE_TEST_CASE(a_neighbour_reaches_nothing_that_is_not_published, Published) {
    web.publish(portMap(80, 8081, "127.0.0.1"));
    neighbour.run("ip route add 127.0.0.1/32 via 192.0.2.1 table 100");
    BOOST_TEST(connectFrom(neighbour.fd(), web.ip, 80, kBlocked).error == ETIMEDOUT);
    BOOST_TEST(!connectFrom(neighbour.fd(), web.ip, 81, kBlocked));
    BOOST_TEST(!connectFrom(neighbour.fd(), "192.0.2.1", 8081, kBlocked));
    BOOST_TEST(bool(connectFrom(self.get(), "127.0.0.1", 8081)));
    BOOST_TEST(bool(connectFrom(self.get(), web.ip, 80)));
}

BOOST_FIXTURE_TEST_CASE(what_leaves_has_the_address_of_the_host, Published) {
    Server outside(neighbour.fd(), "0.0.0.0", 443);
    BOOST_TEST(bool(connectFrom(web.ns(), "192.0.2.2", 443)));
    BOOST_TEST(outside.accept() == "192.0.2.1");
    const Container plain(*this, network(24, R"({"com.docker.network.bridge.enable_ip_masquerade":"false"})"), 24, 2);
    BOOST_TEST(bool(connectFrom(plain.ns(), "192.0.2.2", 443)));
    BOOST_TEST(outside.accept() == "10.24.0.2");
}

BOOST_FIXTURE_TEST_CASE(internal_networks_reach_nothing_but_themselves, BridgeHost) {
    const std::string net = network(25, "{}", false, true);
    const Container one(*this, net, 25, 2), other(*this, net, 25, 3);
    BOOST_TEST(one.reply.gateway.empty());
    one.sandbox.run("ip route add default via 10.25.0.1");
    Server outside(neighbour.fd(), "0.0.0.0", 443), server(other.ns(), "0.0.0.0", 80);
    BOOST_TEST(bool(connectFrom(one.ns(), other.ip, 80)));
    BOOST_TEST(!connectFrom(one.ns(), "192.0.2.2", 443, kBlocked));
    BOOST_TEST(!connectFrom(neighbour.fd(), other.ip, 80, kBlocked));
}

BOOST_FIXTURE_TEST_CASE(ipv6_works_alike, BridgeHost) {
    const std::string net = network(26, "{}", true);
    const Container web(*this, net, 26, 2, true);
    Server server(web.ns(), "::", 80), outside(neighbour.fd(), "::", 443);
    web.publish(portMap(80, 8080));
    BOOST_TEST(bool(connectFrom(neighbour.fd(), "2001:db8::1", 8080)));
    BOOST_TEST(server.accept() == "2001:db8::2");
    BOOST_TEST(bool(connectFrom(self.get(), "2001:db8::1", 8080)));
    BOOST_TEST(bool(connectFrom(web.ns(), "2001:db8::1", 8080)));
    BOOST_TEST(bool(connectFrom(self.get(), "127.0.0.1", 8080)));
    BOOST_TEST(!connectFrom(neighbour.fd(), web.ip6, 80, kBlocked));
    BOOST_TEST(bool(connectFrom(web.ns(), "2001:db8::2", 443)));
    BOOST_TEST(outside.accept() == "2001:db8::1");
}

BOOST_FIXTURE_TEST_CASE(udp_is_published_too, Published) {
    web.publish(portMap(53, 5353, "", 17));
    const UniqueFd name_server = socketIn(web.ns(), "0.0.0.0", SOCK_DGRAM), client = socketIn(neighbour.fd(), "0.0.0.0", SOCK_DGRAM);
    SocketAddress local("0.0.0.0", 53), to("192.0.2.1", 5353), peer;
    BOOST_REQUIRE(::bind(name_server.get(), local.get(), local.size) == 0);
    BOOST_REQUIRE(::sendto(client.get(), "?", 1, 0, to.get(), to.size) == 1);
    BOOST_REQUIRE(readable(name_server.get(), 2000));
    char question = 0;
    BOOST_TEST(::recvfrom(name_server.get(), &question, 1, 0, peer.get(), &peer.size) == 1);
    BOOST_TEST(peer.ip() == "192.0.2.2");
    BOOST_TEST(::sendto(name_server.get(), "!", 1, 0, peer.get(), peer.size) == 1);
    SocketAddress from;
    BOOST_REQUIRE(readable(client.get(), 2000));
    BOOST_TEST(::recvfrom(client.get(), &question, 1, 0, from.get(), &from.size) == 1);
    BOOST_TEST(from.ip() == "192.0.2.1");
}

BOOST_FIXTURE_TEST_CASE(a_revoked_port_is_refused_at_once, Published) {
    web.publish(portMap(80, 8080));
    BOOST_TEST(bool(connectFrom(neighbour.fd(), "192.0.2.1", 8080)));
    driver->revokeExternalConnectivity(net, web.endpoint);
    BOOST_TEST(connectFrom(neighbour.fd(), "192.0.2.1", 8080).error == ECONNREFUSED);
}

BOOST_FIXTURE_TEST_CASE(routed_networks_are_reached_directly_where_ports_are_published, BridgeHost) {
    const Container web(*this, network(27, R"({"com.docker.network.bridge.gateway_mode_ipv4":"routed"})"), 27, 2);
    Server server(web.ns(), "0.0.0.0", 80), hidden(web.ns(), "0.0.0.0", 81);
    web.publish(portMap(80, 8080));
    BOOST_TEST(bool(connectFrom(neighbour.fd(), web.ip, 80)));
    BOOST_TEST(server.accept() == "192.0.2.2");
    BOOST_TEST(!connectFrom(neighbour.fd(), web.ip, 81, kBlocked));
    BOOST_TEST(!connectFrom(neighbour.fd(), "192.0.2.1", 8080, kBlocked));
}

BOOST_FIXTURE_TEST_CASE(unprotected_networks_are_reached_directly, BridgeHost) {
    const Container web(*this, network(28, R"({"com.docker.network.bridge.gateway_mode_ipv4":"nat-unprotected"})"), 28, 2);
    const Container elsewhere(*this, network(29), 29, 2);
    Server server(web.ns(), "0.0.0.0", 80);
    BOOST_TEST(bool(connectFrom(neighbour.fd(), web.ip, 80)));
    BOOST_TEST(!connectFrom(elsewhere.ns(), web.ip, 80, kBlocked));
}

BOOST_FIXTURE_TEST_CASE(from_trusted_interfaces_published_ports_are_reached_directly, BridgeHost) {
    const Container web(*this, network(30, R"({"com.docker.network.bridge.trusted_host_interfaces":"out0"})"), 30, 2);
    Server server(web.ns(), "0.0.0.0", 80), hidden(web.ns(), "0.0.0.0", 81);
    web.publish(portMap(80, 8080));
    BOOST_TEST(bool(connectFrom(neighbour.fd(), web.ip, 80)));
    BOOST_TEST(!connectFrom(neighbour.fd(), web.ip, 81, kBlocked));
}

// Without the carrier's settling one of six connections waits a second for its first retry. DAVIT_TEST_CONNECTIONS: how many.
BOOST_FIXTURE_TEST_CASE(first_connections_do_not_wait, BridgeHost) {
    const char* number = std::getenv("DAVIT_TEST_CONNECTIONS");
    const int count = number != nullptr ? std::atoi(number) : 100;
    std::string net = network(33);
    int delayed = 0;
    for (int i = 0; i < count; ++i) {
        if (i % 20 == 10) {  // the first port of a bridge gives the bridge itself its carrier
            driver->deleteNetwork(net);
            net = network(33);
        }
        const Container one(*this, net, 33, 2 + i % 250);
        Server server(one.ns(), "0.0.0.0", 80);
        const Attempt attempt = connectFrom(self.get(), one.ip, 80, 3000);
        BOOST_REQUIRE(bool(attempt));
        delayed += attempt.took.count() > 500 ? 1 : 0;
        driver->leave(net, one.endpoint);
        driver->deleteEndpoint(net, one.endpoint);
    }
    BOOST_TEST_MESSAGE(delayed << " of " << count << " first connections delayed");
    BOOST_TEST(delayed == 0);
}

BOOST_AUTO_TEST_SUITE_END()
