// Who reaches whom on ipvlan networks. Kernels without such links can't show it; there the driver must say so.
#include <boost/test/unit_test.hpp>

#include "parent_link_fixtures.hpp"
#include "plugins/network/ipvlan/ipvlan_driver.hpp"

using namespace davit;
using namespace davit::parent_link;
using boost::unit_test::precondition;

namespace {

using Host = LinkHost<IpvlanDriver>;

boost::test_tools::assertion_result hasIpvlan(boost::unit_test::test_unit_id) {
    boost::test_tools::assertion_result result(linux::supportsUpperLink("ipvlan"));
    if (!result) result.message() << "this kernel makes no ipvlan links";
    return result;
}
boost::test_tools::assertion_result lacksIpvlan(boost::unit_test::test_unit_id id) { return !hasIpvlan(id); }

}  // namespace

BOOST_AUTO_TEST_SUITE(ipvlan)

BOOST_AUTO_TEST_CASE(without_such_links_the_driver_is_not_for_this_host, *precondition(lacksIpvlan)) {
    BOOST_CHECK_EXCEPTION(IpvlanDriver{DriverContext()}, Error, [](const Error& e) {
        return e.code() == Code::unimplemented && e.text() == "not for this host: its kernel doesn't make ipvlan links";
    });
}

BOOST_FIXTURE_TEST_CASE(l2_endpoints_and_a_neighbour_reach_each_other_over_the_parent, Host, *precondition(hasIpvlan)) {
    const std::string net = network({.options = onWire(), .ipv6 = true});
    const Joined web(*driver, net, 60, 2, true), beside(*driver, net, 60, 3, true);
    for (const std::string& ip : {web.ip, web.ip6}) {
        const bool v6 = ip == web.ip6;
        Server server(web.ns(), ip, 80), outside(neighbour.fd(), v6 ? "::" : "0.0.0.0", 443);
        BOOST_TEST(reaches(neighbour.fd(), ip, server, 80), ip);
        BOOST_TEST(reaches(beside.ns(), ip, server, 80), ip);
        BOOST_TEST(bool(connectFrom(web.ns(), v6 ? "2001:db8::9" : "192.0.2.9", 443)), ip);
        BOOST_TEST(outside.accept() == ip);
    }
    BOOST_TEST(web.link().mac.text() == linux::findLink("wire0")->mac.text());
    BOOST_TEST(web.interface.mac_address.empty());
    BOOST_TEST(web.reply.gateway == "10.60.0.1");
}

// A neighbour routes to them through the host's address; they have no gateway, their default route is the link.
BOOST_FIXTURE_TEST_CASE(l3_endpoints_are_routed, Host, *precondition(hasIpvlan)) {
    for (const char* mode : {"l3", "l3s"}) {
        const std::string net = network({.number = 61, .options = onWire(fmt::format(R"("ipvlan_mode":"{}")", mode)), .gateway = false});
        const Joined web(*driver, net, 61, 2), beside(*driver, net, 61, 3);
        BOOST_TEST(web.reply.gateway.empty());
        BOOST_REQUIRE(web.reply.static_routes.size() == 1U);
        BOOST_TEST(web.reply.static_routes.front().destination == "0.0.0.0/0");
        BOOST_TEST(web.reply.static_routes.front().route_type == 1);
        Server server(web.ns(), "0.0.0.0", 80);
        BOOST_TEST(reaches(beside.ns(), web.ip, server, 80), mode);
        BOOST_REQUIRE(neighbour.run("ip route replace 10.61.0.0/24 via 10.60.0.100"));
        BOOST_TEST(reaches(neighbour.fd(), web.ip, server, 80), mode);
        const GatewayAllocation skip = driver->gatewayAllocCheck({{"com.docker.network.generic", onWire(fmt::format(R"("ipvlan_mode":"{}")", mode))}});
        BOOST_TEST(skip.skip_ipv4);
        web.leave();
        beside.leave();
        driver->deleteNetwork(net);
    }
}

BOOST_FIXTURE_TEST_CASE(private_endpoints_reach_the_neighbour_and_not_each_other, Host, *precondition(hasIpvlan)) {
    const std::string net = network(wire(R"("ipvlan_flag":"private")"));
    const Joined one(*driver, net, 60, 2), beside(*driver, net, 60, 3);
    Server server(one.ns(), "0.0.0.0", 80);
    BOOST_TEST(reaches(neighbour.fd(), one.ip, server, 80));
    BOOST_TEST(!reaches(beside.ns(), one.ip, server, 80, kBlocked));
}

BOOST_FIXTURE_TEST_CASE(host_access_needs_an_address_of_the_host, Host, *precondition(hasIpvlan)) {
    BOOST_TEST(refusal(wire(R"("davit.host_access":"true")")) ==
               "davit.host_access needs an address of the host in 10.60.0.0/24: --aux-address host=ADDRESS");
    Wish wish = wire(R"("davit.host_access":"true")");
    wish.host = "9";
    const std::string net = network(wish);
    const Joined one(*driver, net, 60, 2);
    Server inside(one.ns(), "0.0.0.0", 80), local(self.get(), "10.60.0.9", 81);
    BOOST_TEST(bool(connectFrom(self.get(), one.ip, 80)));
    BOOST_TEST(inside.accept() == "10.60.0.9");
    BOOST_TEST(reaches(one.ns(), "10.60.0.9", local, 81));
    one.leave();
    driver->deleteNetwork(net);
    BOOST_TEST(!linked("ih-" + net.substr(0, 12)));
}

BOOST_FIXTURE_TEST_CASE(a_parent_has_one_network, Host, *precondition(hasIpvlan)) {
    const std::string net = network(wire());
    BOOST_TEST(refusal(wire()) == "network di-" + net.substr(0, 12) + " is already using parent interface wire0");
}

BOOST_FIXTURE_TEST_CASE(refusals_are_docker_s, Host, *precondition(hasIpvlan)) {
    BOOST_TEST(refusal(wire(R"("ipvlan_mode":"bridge")")) == "requested ipvlan mode 'bridge' is not valid, 'l2' mode is the ipvlan driver default");
    BOOST_TEST(refusal(wire(R"("ipvlan_flag":"l2")")) == "requested ipvlan flag 'l2' is not valid, 'bridge' is the ipvlan driver default");
    BOOST_TEST(refusal({.options = R"({"parent":"lo"})"}) == "loopback interface is not a valid ipvlan parent link");
    const std::string net = network(wire());
    BOOST_CHECK_EXCEPTION(Container(*driver, net, 60, 2, false, "02:00:00:00:00:01"), Error,
                          [](const Error& e) { return e.text() == "ipvlan interfaces do not support custom mac address assignment"; });
    run("ip link add mv0 link wire0 type macvlan");  // one parent carries links of one kind
    Container one(*driver, net, 60, 2);
    BOOST_CHECK_EXCEPTION(one.join(), Error, [](const Error& e) { return e.text().starts_with("failed to create the ipvlan port: "); });
    BOOST_TEST(one.links().empty());
}

BOOST_FIXTURE_TEST_CASE(a_network_without_a_parent_leads_nowhere, Host, *precondition(hasIpvlan)) {
    const std::string net = network({.number = 61});
    const Joined one(*driver, net, 61, 2), beside(*driver, net, 61, 3);
    Server server(one.ns(), "0.0.0.0", 80);
    BOOST_TEST(reaches(beside.ns(), one.ip, server, 80));
    BOOST_TEST(one.reply.gateway.empty());
    one.leave();
    beside.leave();
    driver->deleteNetwork(net);
    BOOST_TEST(!linked("di-" + net.substr(0, 12)));
}

BOOST_FIXTURE_TEST_CASE(networks_and_endpoints_outlive_the_driver_s_process, Host, *precondition(hasIpvlan)) {
    const std::string net = network(wire());
    Container one(*driver, net, 60, 2);
    one.join();
    restart();
    Server server(one.ns(), "0.0.0.0", 80);
    BOOST_TEST(reaches(neighbour.fd(), one.ip, server, 80));
    driver->leave(net, one.endpoint);
    driver->deleteEndpoint(net, one.endpoint);
    driver->deleteNetwork(net);
    BOOST_TEST(one.links().empty());
}

BOOST_AUTO_TEST_SUITE_END()
