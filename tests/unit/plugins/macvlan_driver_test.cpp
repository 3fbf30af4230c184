// What macvlan networks and endpoints are made of, what is refused, and what they leave on the host.
#include <boost/test/unit_test.hpp>

#include "parent_link_fixtures.hpp"
#include "plugins/network/macvlan/macvlan_driver.hpp"

using namespace davit;
using namespace davit::parent_link;

namespace {

using Host = LinkHost<MacvlanDriver>;

boost::test_tools::assertion_result hasVlans(boost::unit_test::test_unit_id) {
    boost::test_tools::assertion_result result(linux::supportsUpperLink("vlan"));
    if (!result) result.message() << "this kernel makes no 802.1q links";
    return result;
}
boost::test_tools::assertion_result lacksVlans(boost::unit_test::test_unit_id id) { return !hasVlans(id); }

}  // namespace

BOOST_AUTO_TEST_SUITE(macvlan)

BOOST_FIXTURE_TEST_CASE(internal_networks_have_no_gateway, Host) {
    const Joined one(*driver, network({.options = onWire(), .internal = true}), 60, 2);
    BOOST_TEST(one.reply.gateway.empty());
    BOOST_TEST(driver->gatewayAllocCheck({{"com.docker.network.generic", onWire()}, {"com.docker.network.internal", "true"}}).skip_ipv4);
}

BOOST_FIXTURE_TEST_CASE(refusals_are_docker_s, Host) {
    const std::pair<const char*, const char*> table[] = {
        {R"({"parent":"lo"})", "loopback interface is not a valid macvlan parent link"},
        {R"({"parent":"nope"})", "invalid subinterface vlan name nope, example formatting is eth0.10"},
        {R"({"parent":"nope.5"})", "-o parent interface was not found on the host: nope"},
        {R"({"parent":"a.b.c"})", "required interface name format is: name.vlan_id, ex. eth0.10 for vlan 10, instead received a.b.c"},
        {R"({"parent":"wire0.x"})", "unable to parse a valid vlan id from: x (ex. eth0.10 for vlan 10)"},
        {R"({"parent":"wire0.4095"})", "vlan id must be between 1-4094, received: 4095"},
        {R"({"parent":"wire0","macvlan_mode":"l2"})", "requested macvlan mode 'l2' is not valid, 'bridge' mode is the macvlan driver default"},
        {R"({"parent":"wire0","encrypted":"true"})", "unknown option \"encrypted\" for the macvlan driver"},
        {R"({"parent":"wire0","davit.host":"true"})", "unknown option \"davit.host\" for the macvlan driver"},
        {R"({"parent":"a name of many letters"})", "invalid value for parent: \"a name of many letters\" is no name of a link"}};
    for (const auto& [options, text] : table) BOOST_TEST(refusal({.options = options}) == text);
    CreateNetwork empty = requestOf(randomId(), wire());
    empty.ipv4.front().pool = "0.0.0.0/0";
    empty.ipv4.front().gateway.clear();
    BOOST_CHECK_EXCEPTION(driver->createNetwork(empty), Error, [](const Error& e) { return e.text() == "ipv4 pool is empty"; });
    BOOST_TEST(refusal({.options = R"({"parent":"wire0","something":"of somebody else's"})"}).empty());
}

BOOST_FIXTURE_TEST_CASE(vlan_links_live_as_long_as_networks_on_them, Host, *boost::unit_test::precondition(hasVlans)) {
    const std::string one = network({.options = R"({"parent":"wire0.50"})"}), two = network({.options = R"({"parent":"wire0.50"})"});
    const std::string other = network({.options = R"({"parent":"wire0.51"})"});
    for (const char* line : {"ip link add link eth0 name eth0.50 type vlan id 50", "ip addr add 10.60.0.250/24 dev eth0.50", "ip link set eth0.50 up",
                             "ip addr flush dev eth0"})
        BOOST_REQUIRE(neighbour.run(line));
    {
        const Joined here(*driver, one, 60, 2), there(*driver, other, 60, 3);
        Server server(here.ns(), "0.0.0.0", 80);
        BOOST_TEST(reaches(neighbour.fd(), here.ip, server, 80));
        BOOST_TEST(!reaches(there.ns(), here.ip, server, 80, kBlocked));
        here.leave();
        there.leave();
    }
    driver->deleteNetwork(one);
    BOOST_TEST(linked("wire0.50"));
    restart();
    driver->deleteNetwork(two);
    BOOST_TEST(!linked("wire0.50"));
    BOOST_TEST(linked("wire0.51"));
}

BOOST_FIXTURE_TEST_CASE(a_vlan_link_of_the_user_stays, Host, *boost::unit_test::precondition(hasVlans)) {
    run("ip link add link wire0 name wire0.60 type vlan id 60");
    driver->deleteNetwork(network({.options = R"({"parent":"wire0.60"})"}));
    BOOST_TEST(linked("wire0.60"));
}

BOOST_FIXTURE_TEST_CASE(without_802_1q_the_refusal_says_so, Host, *boost::unit_test::precondition(lacksVlans)) {
    BOOST_TEST(refusal({.options = R"({"parent":"wire0.50"})"}) ==
               "failed to create wire0.50 vlan link: create vlan wire0.50 (Unknown device type): Operation not supported");
    BOOST_TEST(!linked("wire0.50"));
}

BOOST_FIXTURE_TEST_CASE(a_parent_that_vanishes_takes_its_endpoints_and_nothing_else, Host) {
    const std::string net = network(wire());
    const Joined before(*driver, net, 60, 2);
    run("ip link del wire0");
    BOOST_TEST(before.links().empty());
    Container after(*driver, net, 60, 3);
    BOOST_CHECK_EXCEPTION(after.join(), Error, [](const Error& e) {
        return e.text() == "the requested parent interface wire0 was not found on the Docker host" && e.code() == Code::not_found;
    });
    restart();
    driver->leave(net, before.endpoint);
    driver->deleteEndpoint(net, before.endpoint);
    driver->deleteEndpoint(net, after.endpoint);
    driver->deleteNetwork(net);
    BOOST_TEST(linux::allLinks().size() == 1);
}

BOOST_FIXTURE_TEST_CASE(a_placeholder_that_somebody_removed_is_made_again, Host) {
    const std::string net = network({.number = 61});
    run("ip link del dm-" + net.substr(0, 12));
    const Joined one(*driver, net, 61, 2), beside(*driver, net, 61, 3);
    Server server(one.ns(), "0.0.0.0", 80);
    BOOST_TEST(reaches(beside.ns(), one.ip, server, 80));
}

BOOST_FIXTURE_TEST_CASE(networks_and_endpoints_outlive_the_driver_s_process, Host) {
    const Wish wish{.options = onWire(R"("davit.host_access":"true")")};
    const std::string net = network(wish), alone = network({.number = 61});
    Container one(*driver, net, 60, 2);
    one.join();
    const auto link = one.link();
    run("ip link del dm-" + alone.substr(0, 12));  // as the machine's end does
    run("ip route del 10.60.0.2");
    host.log.clear();
    restart();
    BOOST_TEST(host.log == "");
    BOOST_TEST(linked("dm-" + alone.substr(0, 12)));
    BOOST_TEST(one.link().index == link.index);
    Server server(one.ns(), "0.0.0.0", 80);
    BOOST_TEST(reaches(neighbour.fd(), one.ip, server, 80));
    BOOST_TEST(reaches(self.get(), one.ip, server, 80));
    driver->createNetwork(requestOf(net, wish));
    BOOST_CHECK_THROW(driver->deleteNetwork(net), Error);
    driver->leave(net, one.endpoint);
    driver->deleteEndpoint(net, one.endpoint);
    driver->deleteNetwork(net);
    driver->deleteNetwork(alone);
    BOOST_TEST(one.links().empty());
    BOOST_TEST(linux::allLinks().size() == 2);
    BOOST_TEST(StateJournal(state.path()).records().empty());
}

// A creation that was cut off before its reply: the engine removes what it doesn't know to be whole.
BOOST_FIXTURE_TEST_CASE(what_a_killed_creation_left_is_removed_by_its_id, Host) {
    const std::string id = randomId();
    driver->createNetwork(requestOf(id, {.number = 61}));
    std::filesystem::remove_all(state.path() / "journal");
    restart();
    driver->deleteNetwork(id);
    BOOST_TEST(!linked("dm-" + id.substr(0, 12)));
    run("ip link add dm-123456789012 type veth peer name dm-peer");
    driver->deleteNetwork("123456789012345");
    BOOST_TEST(linked("dm-123456789012"));
}

BOOST_FIXTURE_TEST_CASE(an_endpoint_whose_sandbox_is_gone_is_forgotten_at_the_start, Host) {
    const std::string net = network(wire());
    Container one(*driver, net, 60, 2);
    one.join();
    one.sandbox.reset();
    restart();
    driver->deleteNetwork(net);
}

BOOST_FIXTURE_TEST_CASE(a_repeated_join_is_one_link, Host) {
    Container one(*driver, network(wire()), 60, 2);
    one.join();
    one.join();
    BOOST_TEST(one.links().size() == 1U);
    Server server(one.ns(), "0.0.0.0", 80);
    BOOST_TEST(reaches(neighbour.fd(), one.ip, server, 80));
}

// As other engines do it: the link is made before the sandbox, moved in, and given back.
BOOST_FIXTURE_TEST_CASE(a_sandbox_that_comes_later_gets_its_link_from_the_engine, Host) {
    const std::string net = network(wire());
    Container one(*driver, net, 60, 2);
    const JoinReply reply = driver->join({.network_id = net, .endpoint_id = one.endpoint, .sandbox_key = "/nonexistent", .options = {}});
    BOOST_TEST(reply.src_name == "dl-" + one.endpoint.substr(0, 12));
    BOOST_TEST(reply.dst_prefix == "eth");
    BOOST_TEST(reply.gateway == "10.60.0.1");
    run(fmt::format("ip link set {} netns {} name eth0", reply.src_name, one.sandbox->path()));
    for (const char* line : {"ip addr add 10.60.0.2/24 dev eth0", "ip link set eth0 up"}) BOOST_REQUIRE(one.sandbox->run(line));
    Server server(one.ns(), "0.0.0.0", 80);
    BOOST_TEST(reaches(neighbour.fd(), one.ip, server, 80));
    restart();
    driver->leave(net, one.endpoint);
    BOOST_REQUIRE(one.sandbox->run(fmt::format("ip link set eth0 down name {} netns /proc/{}/fd/{}", reply.src_name, ::getpid(), self.get())));
    BOOST_TEST(linked(reply.src_name));
    driver->deleteEndpoint(net, one.endpoint);
    BOOST_TEST(!linked(reply.src_name));
    driver->deleteNetwork(net);
}

BOOST_FIXTURE_TEST_CASE(a_failed_join_leaves_nothing, Host) {
    const std::string net = network(wire());
    Container one(*driver, net, 60, 2);
    BOOST_CHECK_THROW(one.join({{"com.docker.network.endpoint.sysctls", "\"net.ipv4.conf.IFNAME.nope=1\""}}), Error);
    BOOST_TEST(one.links().empty());
    BOOST_REQUIRE(one.sandbox->run("ip link add eth0 type veth peer name eth1"));
    BOOST_CHECK_THROW(one.join(), Error);  // somebody else's link has the name
    BOOST_TEST(one.links().size() == 2U);
    one.join({});
    BOOST_TEST(one.links().size() == 3U);
    one.leave();
    driver->deleteNetwork(net);
}

BOOST_FIXTURE_TEST_CASE(an_address_is_free_again_at_once, Host) {
    const std::string net = network(wire());
    for (int round = 0; round < 20; ++round) {
        Container one(*driver, net, 60, 2);
        one.join();
        if (round % 2 == 0) one.sandbox.reset();  // dies with its links, some time later
        one.leave();
        if (round % 2 == 1) one.sandbox.reset();
    }
}

BOOST_FIXTURE_TEST_CASE(a_mac_address_is_used_once_on_a_parent, Host) {
    const std::string net = network(wire());
    Container one(*driver, net, 60, 2, false, "02:00:00:00:00:01"), other(*driver, net, 60, 3, false, "02:00:00:00:00:01");
    BOOST_TEST(one.interface.mac_address.empty());
    one.join();
    BOOST_TEST(one.link().mac.text() == "02:00:00:00:00:01");
    BOOST_CHECK_EXCEPTION(other.join(), Error, [](const Error& e) { return e.text() == "MAC address 02:00:00:00:00:01 is in use on parent interface wire0"; });
}

BOOST_FIXTURE_TEST_CASE(a_live_sandbox_is_left_without_the_link, Host) {
    const std::string net = network(wire());
    const Joined one(*driver, net, 60, 2);
    one.leave();
    for (int tries = 0; tries < 100 && !one.links().empty(); ++tries) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    BOOST_TEST(one.links().empty());
    driver->deleteNetwork(net);
}

BOOST_FIXTURE_TEST_CASE(ipv6_is_off_without_an_address, Host) {
    const Joined one(*driver, network(wire()), 60, 2);
    linux::inNetworkNamespace(one.ns(), [] { BOOST_TEST(readSetting("ipv6/conf/eth0/disable_ipv6").value() == "1"); });
}

BOOST_FIXTURE_TEST_CASE(many_join_and_leave_at_once, Host) {
    const std::string net = network(wire());
    std::vector<std::thread> threads;
    std::atomic<int> failures = 0;
    for (int i = 2; i < 18; ++i)
        threads.emplace_back([&, i] {
            try {
                for (int round = 0; round < 3; ++round) {
                    Container one(*driver, net, 60, i);
                    one.join();
                    one.leave();
                }
            } catch (const Error&) {
                ++failures;
            }
        });
    for (std::thread& thread : threads) thread.join();
    BOOST_TEST(failures == 0);
    driver->deleteNetwork(net);
}

BOOST_AUTO_TEST_SUITE_END()
