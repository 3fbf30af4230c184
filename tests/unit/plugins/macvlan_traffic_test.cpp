// Who reaches whom on macvlan networks.
#include <boost/test/unit_test.hpp>

#include "parent_link_fixtures.hpp"
#include "plugins/network/macvlan/macvlan_driver.hpp"

using namespace davit;
using namespace davit::parent_link;

namespace {

using Host = LinkHost<MacvlanDriver>;

}  // namespace

BOOST_AUTO_TEST_SUITE(macvlan_traffic)

BOOST_FIXTURE_TEST_CASE(endpoints_and_a_neighbour_reach_each_other_over_the_parent, Host) {
    const Joined web(*driver, network({.options = onWire(), .ipv6 = true}), 60, 2, true);
    for (const std::string& ip : {web.ip, web.ip6}) {
        const bool v6 = ip == web.ip6;
        Server server(web.ns(), ip, 80), outside(neighbour.fd(), v6 ? "::" : "0.0.0.0", 443);
        BOOST_TEST(bool(connectFrom(neighbour.fd(), ip, 80)), ip);
        BOOST_TEST(server.accept() == (v6 ? "fd00:60::1" : "10.60.0.200"));
        BOOST_TEST(bool(connectFrom(web.ns(), v6 ? "fd00:60::200" : "10.60.0.200", 443)), ip);
        BOOST_TEST(outside.accept() == ip);  // nothing is translated
        BOOST_TEST(bool(connectFrom(web.ns(), v6 ? "2001:db8::9" : "192.0.2.9", 443)), "through the gateway: " + ip);
    }
    BOOST_TEST(web.reply.gateway == "10.60.0.1");
    BOOST_TEST(web.reply.gateway_ipv6 == "fd00:60::1");
    BOOST_TEST(web.reply.src_name.empty());
    BOOST_TEST(web.link().mac.text() == "02:42:0a:3c:00:02");
    BOOST_TEST(web.interface.mac_address == "02:42:0a:3c:00:02");
}

BOOST_FIXTURE_TEST_CASE(endpoints_of_one_parent_reach_each_other_also_on_two_networks, Host) {
    const std::string net = network(wire());
    const Joined one(*driver, net, 60, 2), beside(*driver, net, 60, 3), elsewhere(*driver, network(wire()), 60, 4);
    Server server(one.ns(), "0.0.0.0", 80);
    BOOST_TEST(reaches(beside.ns(), one.ip, server, 80));
    BOOST_TEST(reaches(elsewhere.ns(), one.ip, server, 80));
}

BOOST_FIXTURE_TEST_CASE(private_endpoints_reach_the_neighbour_and_not_each_other, Host) {
    const std::string net = network(wire(R"("macvlan_mode":"private")"));
    const Joined one(*driver, net, 60, 2), beside(*driver, net, 60, 3);
    Server server(one.ns(), "0.0.0.0", 80);
    BOOST_TEST(reaches(neighbour.fd(), one.ip, server, 80));
    BOOST_TEST(!reaches(beside.ns(), one.ip, server, 80, kBlocked));
}

// The neighbour becomes a switch: one that sends frames back where they came from connects them, another doesn't.
BOOST_FIXTURE_TEST_CASE(vepa_leaves_it_to_the_switch_outside, Host) {
    const std::string net = network(wire(R"("macvlan_mode":"vepa")"));
    const Joined one(*driver, net, 60, 2), beside(*driver, net, 60, 3);
    Server server(one.ns(), "0.0.0.0", 80);
    BOOST_TEST(reaches(neighbour.fd(), one.ip, server, 80));
    BOOST_TEST(!reaches(beside.ns(), one.ip, server, 80, kBlocked));
    for (const char* line : {"ip link add br0 type bridge", "ip link set br0 up", "ip link set eth0 master br0", "bridge link set dev eth0 hairpin on"})
        BOOST_REQUIRE(neighbour.run(line));
    bool reached = false;
    for (int tries = 0; tries < 20 && !reached; ++tries) reached = reaches(beside.ns(), one.ip, server, 80);  // the port learns first
    BOOST_TEST(reached);
}

BOOST_FIXTURE_TEST_CASE(a_parent_that_is_passed_through_has_one_endpoint_and_one_network, Host) {
    const std::string net = network(wire(R"("macvlan_mode":"passthru")"));
    Container one(*driver, net, 60, 2), other(*driver, net, 60, 3);
    one.join();
    Server server(one.ns(), "0.0.0.0", 80);
    BOOST_TEST(reaches(neighbour.fd(), one.ip, server, 80));
    BOOST_TEST(one.link().mac.text() == linux::findLink("wire0")->mac.text());
    BOOST_TEST(one.interface.mac_address == one.link().mac.text());
    BOOST_CHECK_EXCEPTION(other.join(), Error, [](const Error& e) {
        return e.text().starts_with("failed to create the macvlan port: parent interface wire0 in mode passthru has the endpoint");
    });
    BOOST_TEST(other.links().empty());
    BOOST_TEST(refusal(wire()) == "macvlan network " + net + " is already using parent interface wire0 in mode passthru");
    one.leave();
    other.join();  // at once
    Server next(other.ns(), "0.0.0.0", 80);
    BOOST_TEST(reaches(neighbour.fd(), other.ip, next, 80));
    other.leave();
    driver->deleteNetwork(net);
    const std::string shared = network(wire());
    BOOST_TEST(refusal(wire(R"("macvlan_mode":"passthru")")) ==
               "cannot use mode passthru, macvlan network " + shared + " is already using parent interface wire0");
}

BOOST_FIXTURE_TEST_CASE(the_next_endpoint_of_a_passed_through_parent_waits_for_a_dying_sandbox, Host) {
    const std::string net = network(wire(R"("macvlan_mode":"passthru")"));
    for (int round = 0; round < 10; ++round) {
        Container one(*driver, net, 60, 2);
        BOOST_CHECK_NO_THROW(one.join());
        one.sandbox.reset();
        one.leave();
    }
}

BOOST_FIXTURE_TEST_CASE(the_host_and_the_endpoints_do_not_reach_each_other, Host) {
    const Joined one(*driver, network(wire()), 60, 2);
    Server inside(one.ns(), "0.0.0.0", 80), local(self.get(), "0.0.0.0", 81);
    BOOST_TEST(!reaches(self.get(), one.ip, inside, 80, kBlocked));
    BOOST_TEST(!reaches(one.ns(), "10.60.0.100", local, 81, kBlocked));
}

BOOST_FIXTURE_TEST_CASE(with_host_access_they_do_by_the_address_of_the_parent, Host) {
    const std::string net = network({.options = onWire(R"("davit.host_access":"true")"), .ipv6 = true});
    {
        const Joined one(*driver, net, 60, 2, true);
        for (const std::string& ip : {one.ip, one.ip6}) {
            const bool v6 = ip == one.ip6;
            Server inside(one.ns(), ip, 80), local(self.get(), v6 ? "::" : "0.0.0.0", 81);
            BOOST_TEST(bool(connectFrom(self.get(), ip, 80)), ip);
            BOOST_TEST(inside.accept() == (v6 ? "fd00:60::100" : "10.60.0.100"));
            BOOST_TEST(reaches(one.ns(), v6 ? "fd00:60::100" : "10.60.0.100", local, 81), ip);
        }
        // The host's other traffic goes its old way.
        Server outside(neighbour.fd(), "0.0.0.0", 443);
        BOOST_TEST(bool(connectFrom(self.get(), "10.60.0.200", 443)));
        BOOST_TEST(outside.accept() == "10.60.0.100");
        one.leave();
        BOOST_TEST(!runIn(self.get(), "ip route del " + one.ip + " dev mh-" + net.substr(0, 12)));
    }
    BOOST_TEST(linked("mh-" + net.substr(0, 12)));
    driver->deleteNetwork(net);
    BOOST_TEST(!linked("mh-" + net.substr(0, 12)));
    BOOST_TEST(linked("wire0"));
}

BOOST_FIXTURE_TEST_CASE(with_host_access_the_host_may_have_an_address_of_its_own, Host) {
    const Wish wish{.number = 61, .options = R"({"davit.host_access":"true"})", .ipv6 = true, .host = "9"};
    const std::string net = network(wish);
    const Joined one(*driver, net, 61, 2, true);
    for (const std::string& ip : {one.ip, one.ip6}) {
        Server inside(one.ns(), ip, 80);
        BOOST_TEST(bool(connectFrom(self.get(), ip, 80)), ip);
        BOOST_TEST(inside.accept() == (ip == one.ip6 ? "fd00:61::9" : "10.61.0.9"));
    }
    BOOST_TEST(readSetting("ipv4/conf/mh-" + net.substr(0, 12) + "/forwarding").value() == "0");
    Wish without = wish;
    without.host.clear();
    BOOST_TEST(refusal(without) == "davit.host_access needs an address of the host in 10.61.0.0/24: --aux-address host=ADDRESS");
    for (const char* mode : {"private", "vepa", "passthru"})
        BOOST_TEST(refusal(wire(fmt::format(R"("davit.host_access":"true","macvlan_mode":"{}")", mode))) ==
                   "davit.host_access needs a network whose links on wire0 reach each other: mode bridge of macvlan");
}

BOOST_FIXTURE_TEST_CASE(a_network_without_a_parent_leads_nowhere, Host) {
    const std::string net = network({.number = 61});
    const std::string parent = "dm-" + net.substr(0, 12);
    BOOST_TEST(linked(parent));
    const Joined one(*driver, net, 61, 2), beside(*driver, net, 61, 3);
    Server server(one.ns(), "0.0.0.0", 80);
    BOOST_TEST(reaches(beside.ns(), one.ip, server, 80));
    BOOST_TEST(one.reply.gateway.empty());
    BOOST_TEST(driver->gatewayAllocCheck({{"com.docker.network.generic", "{}"}}).skip_ipv4);
    BOOST_TEST(!driver->gatewayAllocCheck({{"com.docker.network.generic", onWire()}}).skip_ipv4);
    one.leave();
    beside.leave();
    driver->deleteNetwork(net);
    BOOST_TEST(!linked(parent));
}

// Who may raise links and write addresses in a container gets no further with it.
BOOST_FIXTURE_TEST_CASE(networks_on_different_parents_are_apart, Host) {
    const Joined inside(*driver, network({.number = 61}), 61, 2), other(*driver, network({.number = 62}), 62, 2), open(*driver, network(wire()), 60, 2);
    Server server(inside.ns(), "0.0.0.0", 80);
    for (const Joined* from : {&other, &open}) {
        BOOST_REQUIRE(from->sandbox->run("ip addr add 10.61.0.77/24 dev eth0"));
        BOOST_TEST(!reaches(from->ns(), inside.ip, server, 80, kBlocked));
    }
    BOOST_REQUIRE(neighbour.run("ip addr add 10.61.0.78/24 dev eth0"));
    BOOST_TEST(!reaches(neighbour.fd(), inside.ip, server, 80, kBlocked));
    BOOST_TEST(!reaches(self.get(), inside.ip, server, 80, kBlocked));
    Server outside(neighbour.fd(), "0.0.0.0", 443);
    BOOST_REQUIRE(inside.sandbox->run("ip addr add 10.60.0.77/24 dev eth0"));
    BOOST_TEST(!reaches(inside.ns(), "10.60.0.200", outside, 443, kBlocked));
}

BOOST_AUTO_TEST_SUITE_END()
