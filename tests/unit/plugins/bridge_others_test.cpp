// The driver beside other programs' rules, and after others changed its own.
#include <boost/test/unit_test.hpp>

#include "bridge_fixtures.hpp"
#include "linux/netlink/links.hpp"

using namespace davit;
using namespace davit::bridge;

namespace {

constexpr int kBlocked = 400;  // milliseconds without an answer

template <class Condition>
bool within(std::chrono::milliseconds limit, const Condition& condition) {
    for (const auto end = std::chrono::steady_clock::now() + limit; std::chrono::steady_clock::now() < end; ::usleep(10000))
        if (condition()) return true;
    return condition();
}
using std::chrono_literals::operator""s;

struct Web : BridgeHost {
    std::string net = network(71);
    Container web{*this, net, 71, 2};
    Server server{web.ns(), "0.0.0.0", 80};
    bool reached() { return bool(connectFrom(neighbour.fd(), "192.0.2.1", 8080, kBlocked)); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(bridge_others)

BOOST_FIXTURE_TEST_CASE(sec_58_rules_that_somebody_removes_are_back_within_5_s, Web) {
    web.publish(R"([{"Proto":6,"Port":80,"HostPort":8080},{"Proto":6,"Port":80,"HostPort":8081,"HostIP":"127.0.0.1"}])");
    for (const char* damage : {"delete table ip davit", "flush ruleset", "flush chain ip davit guard", "flush set ip davit bridges",
                               "delete element ip davit published { tcp . 8080 }", "flush chain ip davit forward"}) {
        BOOST_REQUIRE(run(std::string("nft ") + damage));
        BOOST_TEST(within(5s, [&] {
                       return run("nft get element ip davit published { tcp . 8080 }") && run("nft get element ip davit published_at { 127.0.0.1 . tcp . 8081 }");
                   }), damage);
        BOOST_TEST(within(5s, [&] { return connectFrom(neighbour.fd(), web.ip, 80, kBlocked).error == ETIMEDOUT; }), damage);
        BOOST_TEST(within(5s, [&] { return reached(); }), damage);
        BOOST_TEST(!connectFrom(neighbour.fd(), "192.0.2.1", 8081, kBlocked), damage);
    }
}

BOOST_FIXTURE_TEST_CASE(what_the_driver_itself_changes_is_no_damage, Web) {
    for (int i = 0; i < 20; ++i) {
        web.publish(portMap(80, 8080));
        driver->revokeExternalConnectivity(net, web.endpoint);
        driver->deleteNetwork(network(72));
    }
    run("nft add table ip mine");  // of no concern
    BOOST_REQUIRE(run("nft add element ip davit bridges { nothing0 }"));
    // The one repair takes the element away; one for our own changes would have done so earlier or come later.
    BOOST_TEST(within(5s, [&] { return !run("nft get element ip davit bridges { nothing0 }"); }));
    BOOST_TEST(host.log.empty(), host.log);
}

BOOST_FIXTURE_TEST_CASE(sec_58_a_bridge_that_somebody_removes_is_back_with_its_containers, Web) {
    web.publish(portMap(80, 8080));
    const Container other(*this, net, 71, 3);
    BOOST_REQUIRE(run("ip link delete br-" + net.substr(0, 12)));
    BOOST_TEST(within(5s, [&] { return bool(connectFrom(self.get(), "127.0.0.1", 8080, kBlocked)); }));
    BOOST_TEST(reached());
    BOOST_TEST(bool(connectFrom(other.ns(), web.ip, 80)));
    BOOST_TEST(bool(connectFrom(web.ns(), "192.0.2.1", 8080)));
}

// A flow of datagrams that began before goes to the new container with its next one.
BOOST_FIXTURE_TEST_CASE(clients_of_a_udp_port_reach_the_container_that_has_it_now, BridgeHost) {
    const std::string net = network(73);
    const Container first(*this, net, 73, 2), second(*this, net, 73, 3);
    const UniqueFd client = socketIn(neighbour.fd(), "0.0.0.0", SOCK_DGRAM);
    std::vector<UniqueFd> servers;
    for (const Container* one : {&first, &second}) {
        servers.push_back(socketIn(one->ns(), "0.0.0.0", SOCK_DGRAM));
        SocketAddress local("0.0.0.0", 53);
        BOOST_REQUIRE(::bind(servers.back().get(), local.get(), local.size) == 0);
    }
    const auto arrivesAt = [&](int server) {
        SocketAddress to("192.0.2.1", 5353);
        char byte = 0;
        BOOST_REQUIRE(::sendto(client.get(), "?", 1, 0, to.get(), to.size) == 1);
        const bool arrived = readable(server, 500);
        if (arrived) BOOST_TEST(::recv(server, &byte, 1, 0) == 1);
        return arrived;
    };
    BOOST_TEST(!arrivesAt(servers[0].get()));  // nothing is published, and the kernel remembers that
    first.publish(portMap(53, 5353, "", 17));
    BOOST_TEST(arrivesAt(servers[0].get()));
    driver->revokeExternalConnectivity(net, first.endpoint);
    second.publish(portMap(53, 5353, "", 17));
    BOOST_TEST(arrivesAt(servers[1].get()));
}

// As ufw and firewalls made with iptables have it.
BOOST_FIXTURE_TEST_CASE(where_iptables_drops_what_is_forwarded_containers_are_reached, Web) {
    web.publish(portMap(80, 8080));
    BOOST_REQUIRE(run("iptables -P FORWARD DROP"));
    BOOST_TEST(within(5s, [&] { return reached(); }));
    Server outside(neighbour.fd(), "0.0.0.0", 443);
    BOOST_TEST(bool(connectFrom(web.ns(), "192.0.2.2", 443)));
    BOOST_TEST(connectFrom(neighbour.fd(), web.ip, 80, kBlocked).error == ETIMEDOUT);
    // iptables still understands its table, and its own rules come first.
    BOOST_TEST(run("iptables -S FORWARD"));
    BOOST_TEST(run("iptables -C FORWARD -j DAVIT-FORWARD"));
    BOOST_REQUIRE(run("iptables -I FORWARD -d 10.71.0.2 -j DROP"));
    BOOST_TEST(!reached());
    BOOST_REQUIRE(run("iptables -F FORWARD"));
    BOOST_TEST(within(5s, [&] { return reached(); }));
    const Container elsewhere(*this, network(74), 74, 2);
    Server second(elsewhere.ns(), "0.0.0.0", 80);
    elsewhere.publish(portMap(80, 8090));
    BOOST_TEST(bool(connectFrom(neighbour.fd(), "192.0.2.1", 8090)));
    BOOST_REQUIRE(run("iptables -P FORWARD ACCEPT"));
    BOOST_TEST(within(5s, [&] { return !run("iptables -n -L DAVIT-FORWARD"); }));
    BOOST_TEST(reached());
}

BOOST_FIXTURE_TEST_CASE(the_chain_among_the_rules_of_others_goes_with_the_last_network, BridgeHost) {
    BOOST_REQUIRE(run("iptables -P FORWARD DROP"));
    const std::string net = network(75);
    BOOST_TEST(run("iptables -C FORWARD -j DAVIT-FORWARD"));
    driver->deleteNetwork(net);
    BOOST_TEST(!run("iptables -n -L DAVIT-FORWARD"));
    BOOST_TEST(run("nft list chain ip filter FORWARD"));
}

BOOST_AUTO_TEST_CASE(the_chain_of_iptables_is_read) {
    const ForeignForward found = readForward("table ip filter { # handle 3\n"
                                             "\tchain FORWARD { # handle 2\n"
                                             "\t\ttype filter hook forward priority filter; policy drop;\n"
                                             "\t\tcounter packets 0 bytes 0 jump DOCKER-USER # handle 20\n"
                                             "\t\toifname \"docker0\" counter packets 0 bytes 0 jump DOCKER # handle 9\n"
                                             "\t\toifname \"br-x\" counter packets 0 bytes 0 jump DOCKER-ISOLATION-STAGE-2 # handle 10\n"
                                             "\t\tcounter packets 0 bytes 0 jump DAVIT-FORWARD # handle 31\n"
                                             "\t}\n}\n");
    BOOST_TEST(found.drops);
    BOOST_TEST(found.jump == "31");
    BOOST_TEST((found.bridges == std::set<std::string>{"docker0"}));
    BOOST_TEST((readForward("") == ForeignForward{}));
    BOOST_TEST(forwardCommands(IpFamily::v4, found, {}) ==
               "delete rule ip filter FORWARD handle 31\nflush chain ip filter DAVIT-FORWARD\ndelete chain ip filter DAVIT-FORWARD\n");
}

BOOST_AUTO_TEST_SUITE_END()
