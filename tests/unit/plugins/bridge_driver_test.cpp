#include <boost/test/unit_test.hpp>

#include "bridge_fixtures.hpp"
#include "linux/netlink/link_requests.hpp"
#include "linux/netlink/links.hpp"

using namespace davit;
using namespace davit::bridge;

namespace {

template <class F>
std::string refusal(F&& f) {
    try {
        f();
    } catch (const Error& e) {
        return e.text();
    }
    return {};
}

bool disappears(const std::string& link) {
    for (int i = 0; i < 500; ++i, ::usleep(10000))
        if (!linux::findLink(link)) return true;
    return false;
}

std::string hostLink(const Container& container) { return "veth" + container.endpoint.substr(0, 7); }

std::vector<PublishedPort> portsOf(BridgeHost& host, const Container& container) {
    auto info = host.driver->endpointInfo(container.network, container.endpoint);
    const json::Document document = json::Document::parse(info.at("com.docker.network.portmap"));
    return publishedPorts(document.root());
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(bridge_driver, BridgeHost)

BOOST_AUTO_TEST_CASE(a_network_is_a_bridge_with_the_address_of_the_gateway) {
    const std::string id = network(41, R"({"com.docker.network.driver.mtu":"1400","com.docker.network.bridge.name":"web0"})", true);
    const auto link = linux::findLink("web0");
    BOOST_REQUIRE(link.has_value());
    BOOST_TEST(link->kind == "bridge");
    BOOST_TEST(link->mtu == 1400U);
    BOOST_TEST(link->mac.text() == "02:42:0a:29:00:01");
    BOOST_TEST(link->up);
    const auto addresses = linux::addressesOf(link->index);
    BOOST_REQUIRE(addresses.size() == 2U);
    BOOST_TEST(addresses[0].text() == "10.41.0.1/16");
    BOOST_TEST(addresses[1].text() == "fd00:41::1/64");
    driver->deleteNetwork(id);
    BOOST_TEST(!linux::findLink("web0").has_value());
    BOOST_TEST(run("nft list table ip davit"));  // it holds back foreign packets
}

BOOST_AUTO_TEST_CASE(the_name_of_a_bridge_comes_from_the_id) {
    const std::string id = network(42);
    BOOST_TEST(linux::findLink("br-" + id.substr(0, 12)).has_value());
}

BOOST_AUTO_TEST_CASE(an_existing_bridge_is_adopted_and_stays) {
    run("ip link add lan0 type bridge");
    run("ip addr add 10.43.0.77/16 dev lan0");
    const std::string id = network(43, R"({"com.docker.network.bridge.name":"lan0"})");
    BOOST_TEST(linux::addressesOf(linux::findLink("lan0")->index).size() == 2U);
    restart();
    driver->deleteNetwork(id);
    BOOST_TEST(linux::findLink("lan0").has_value());
    run("ip link add dull0 type veth peer name dull1");
    BOOST_TEST(refusal([&] { (void)network(44, R"({"com.docker.network.bridge.name":"dull0"})"); }) == "link dull0 exists and is veth and no bridge");
}

BOOST_AUTO_TEST_CASE(a_bridge_that_was_made_and_never_noted_goes_with_its_network) {
    run("ip link add half0 type bridge");
    linux::NetlinkBatch batch;
    linux::setAlias(batch, "half0", "davit network 0123456789abcdef");
    batch.run();
    run("ip link add lan0 type bridge");
    driver->deleteNetwork("0123456789abcdef");
    BOOST_TEST(!linux::findLink("half0").has_value());
    BOOST_TEST(linux::findLink("lan0").has_value());
}

BOOST_AUTO_TEST_CASE(networks_that_overlap_are_refused) {
    const std::string id = network(45);
    BOOST_TEST(refusal([&] { (void)network(45); }).find("conflicts with network " + id) != std::string::npos);
    BOOST_TEST(linux::allLinks().size() == 3U);  // lo, out0, the bridge of the first one
}

BOOST_AUTO_TEST_CASE(options_that_would_be_ignored_are_refused) {
    for (const char* option : {R"({"com.docker.network.bridge.encrypted":"true"})", R"({"encrypted":""})",
                               R"({"com.docker.network.bridge.name":"a b"})", R"({"com.docker.network.bridge.name":"\"; flush"})",
                               R"({"com.docker.network.bridge.trusted_host_interfaces":"eth0:$x"})",
                               R"({"com.docker.network.bridge.gateway_mode_ipv4":"isolated"})",
                               R"({"com.docker.network.bridge.enable_icc":"maybe"})", R"({"com.docker.network.driver.mtu":"12x"})"})
        BOOST_CHECK_EXCEPTION((void)network(46, option), Error, [](const Error& e) { return e.code() == Code::invalid; });
    BOOST_TEST(linux::allLinks().size() == 2U);
    (void)network(46, R"({"com.example.label":"yes"})");
}

BOOST_AUTO_TEST_CASE(a_joined_sandbox_has_a_finished_interface) {
    const std::string net = network(47);
    const Container one(*this, net, 47, 2);
    BOOST_TEST(one.reply.gateway == "10.47.0.1");
    BOOST_TEST(one.reply.src_name.empty());
    BOOST_TEST(one.reply.disable_gateway_service);
    linux::inNetworkNamespace(one.ns(), [] {
        const auto eth0 = linux::findLink("eth0"), lo = linux::findLink("lo");
        BOOST_REQUIRE(eth0.has_value());
        BOOST_TEST(eth0->up);
        BOOST_TEST(lo->up);
        BOOST_TEST(eth0->mac.text() == "02:42:0a:2f:00:02");
        BOOST_TEST(linux::addressesOf(eth0->index).at(0).text() == "10.47.0.2/16");
        BOOST_TEST(readSetting("ipv6/conf/eth0/disable_ipv6").value() == "1");
    });
    BOOST_TEST(linux::findLink(hostLink(one))->alias == "davit endpoint " + one.endpoint);
}

BOOST_AUTO_TEST_CASE(joining_again_after_a_lost_answer_works) {
    const std::string net = network(48);
    const Container one(*this, net, 48, 2);
    (void)driver->join({.network_id = net, .endpoint_id = one.endpoint, .sandbox_key = one.sandbox.path(),
                        .options = {{"com.docker.network.endpoint.ifname", "\"eth0\""}}});
    Server server(one.ns(), "0.0.0.0", 80);
    BOOST_TEST(bool(connectFrom(self.get(), one.ip, 80)));
}

BOOST_AUTO_TEST_CASE(links_go_in_the_background) {
    const std::string net = network(49);
    const Container one(*this, net, 49, 2);
    const auto start = std::chrono::steady_clock::now();
    driver->leave(net, one.endpoint);
    driver->deleteEndpoint(net, one.endpoint);
    BOOST_TEST((std::chrono::steady_clock::now() - start < std::chrono::milliseconds(10)));
    BOOST_TEST(disappears(hostLink(one)));
    driver->leave(net, one.endpoint);
    driver->deleteEndpoint(net, one.endpoint);
    driver->deleteNetwork(net);
}

BOOST_AUTO_TEST_CASE(a_failed_join_leaves_nothing) {
    const std::string net = network(50), endpoint = randomId();
    (void)driver->createEndpoint({.network_id = net, .endpoint_id = endpoint, .options = {}, .interface = {.address = "10.50.0.2/16"}});
    const Sandbox sandbox;
    const auto join = [&](const std::string& key, const std::string& options) {
        (void)driver->join({.network_id = net, .endpoint_id = endpoint, .sandbox_key = key,
                            .options = {{"com.docker.network.endpoint.ifname", "\"eth0\""}, {"com.docker.network.endpoint.sysctls", options}}});
    };
    BOOST_TEST(!refusal([&] { join("/nowhere", "\"\""); }).empty());
    BOOST_TEST(!refusal([&] { join("/etc/passwd", "\"\""); }).empty());
    BOOST_TEST(!refusal([&] { join(sandbox.path(), R"("net.ipv4.conf.IFNAME.nothing=1")"); }).empty());
    BOOST_TEST(!refusal([&] { join(sandbox.path(), R"("net.ipv4.ip_forward=1")"); }).empty());
    BOOST_TEST(!linux::findLink("veth" + endpoint.substr(0, 7)).has_value());
    join(sandbox.path(), R"("net.ipv4.conf.IFNAME.log_martians=1")");
    linux::inNetworkNamespace(sandbox.fd(), [] { BOOST_TEST(readSetting("ipv4/conf/eth0/log_martians").value() == "1"); });
}

// As dockerd has it: the sandbox comes later, and the engine moves the link.
BOOST_AUTO_TEST_CASE(an_engine_without_a_sandbox_yet_gets_a_link_to_move) {
    const std::string net = network(60), endpoint = randomId();
    (void)driver->createEndpoint({.network_id = net, .endpoint_id = endpoint, .options = {}, .interface = {.address = "10.60.0.2/16"}});
    const JoinReply reply = driver->join({.network_id = net, .endpoint_id = endpoint, .sandbox_key = "/nowhere/yet", .options = {}});
    BOOST_TEST(reply.dst_prefix == "eth");
    BOOST_TEST(reply.gateway == "10.60.0.1");
    const auto link = linux::findLink(reply.src_name);
    BOOST_REQUIRE(link.has_value());
    BOOST_TEST(link->mac.text() == "02:42:0a:3c:00:02");
    restart();
    driver->leave(net, endpoint);
    driver->deleteEndpoint(net, endpoint);
    BOOST_TEST(disappears(reply.src_name));
}

BOOST_AUTO_TEST_CASE(a_port_belongs_to_one) {
    const std::string net = network(51);
    const Container one(*this, net, 51, 2), other(*this, net, 51, 3);
    one.publish(portMap(80, 8080));
    BOOST_TEST(refusal([&] { other.publish(portMap(80, 8080)); }) == "Bind for 0.0.0.0:8080 failed: port is already allocated");
    BOOST_TEST(refusal([&] { other.publish(portMap(80, 8080, "127.0.0.1")); }) == "Bind for 127.0.0.1:8080 failed: port is already allocated");
    other.publish(portMap(53, 8080, "", 17));
    driver->revokeExternalConnectivity(net, one.endpoint);
    driver->revokeExternalConnectivity(net, other.endpoint);
    other.publish(portMap(80, 8080));
}

BOOST_AUTO_TEST_CASE(a_port_of_another_program_is_refused_and_nothing_is_left) {
    const std::string net = network(52);
    const Container one(*this, net, 52, 2);
    const Server other(self.get(), "0.0.0.0", 8080);
    BOOST_TEST(refusal([&] {
                   one.publish(R"([{"Proto":6,"Port":81,"HostPort":8081},{"Proto":6,"Port":80,"HostPort":8080}])");
               }) == "failed to bind host port for 0.0.0.0:8080:10.52.0.2:80/tcp: address already in use");
    BOOST_TEST(connectFrom(self.get(), "127.0.0.1", 8081).error == ECONNREFUSED);
    one.publish(portMap(81, 8081));
}

BOOST_AUTO_TEST_CASE(other_programs_do_not_get_a_published_port) {
    const Container one(*this, network(53), 53, 2);
    one.publish(portMap(80, 8080));
    BOOST_CHECK_THROW(Server(self.get(), "0.0.0.0", 8080), Error);
    constexpr int kOn = 1;
    const UniqueFd sharing = socketIn(self.get(), "0.0.0.0", SOCK_STREAM);
    SocketAddress address("0.0.0.0", 8080);
    BOOST_REQUIRE(::setsockopt(sharing.get(), SOL_SOCKET, SO_REUSEADDR, &kOn, sizeof kOn) == 0);
    BOOST_TEST((::bind(sharing.get(), address.get(), address.size) != 0 || ::listen(sharing.get(), 1) != 0));
}

BOOST_AUTO_TEST_CASE(free_ports_are_chosen_from_ranges) {
    const std::string net = network(54);
    const Container one(*this, net, 54, 2), other(*this, net, 54, 3), third(*this, net, 54, 4);
    const std::string range = R"([{"Proto":6,"Port":80,"HostIP":"0.0.0.0","HostPort":9000,"HostPortEnd":9001}])";
    one.publish(range);
    other.publish(range);
    BOOST_TEST(portsOf(*this, one).at(0).host_port == 9000);
    BOOST_TEST(portsOf(*this, other).at(0).host_port == 9001);
    BOOST_TEST(refusal([&] { third.publish(range); }) == "Bind for 0.0.0.0:9000-9001 failed: all ports are allocated");
    const Container fourth(*this, network(64, "{}", true), 64, 2, true);
    fourth.publish(portMap(80, 0));
    const auto ports = portsOf(*this, fourth);
    BOOST_REQUIRE(ports.size() == 2U);
    BOOST_TEST(ports[0].host_port >= 32768);
    BOOST_TEST(ports[1].host_port == ports[0].host_port);
    BOOST_TEST(ports[1].host.text() == "::");
}

BOOST_AUTO_TEST_CASE(everything_is_known_after_a_restart) {
    const std::string net = network(55);
    const Container one(*this, net, 55, 2);
    Server server(one.ns(), "0.0.0.0", 80);
    one.publish(portMap(80, 8080));
    run("nft delete table ip davit");
    restart();
    BOOST_TEST(bool(connectFrom(neighbour.fd(), "192.0.2.1", 8080)));
    const Container other(*this, net, 55, 3);
    BOOST_TEST(refusal([&] { other.publish(portMap(80, 8080)); }) == "Bind for 0.0.0.0:8080 failed: port is already allocated");
    driver->leave(net, one.endpoint);
    driver->deleteEndpoint(net, one.endpoint);
    BOOST_TEST(connectFrom(neighbour.fd(), "192.0.2.1", 8080).error == ECONNREFUSED);
    restart();
    BOOST_CHECK_THROW((void)driver->endpointInfo(net, one.endpoint), Error);
    (void)driver->endpointInfo(net, other.endpoint);
}

BOOST_AUTO_TEST_CASE(after_a_reboot_networks_are_made_again_and_endpoints_are_gone) {
    const std::string net = network(56);
    std::string endpoint;
    {
        const Container one(*this, net, 56, 2);
        one.publish(portMap(80, 8080));
        endpoint = one.endpoint;
    }
    driver.reset();
    BridgeHost rebooted;
    std::filesystem::copy(state.path() / "journal", rebooted.state.path() / "journal", std::filesystem::copy_options::overwrite_existing);
    rebooted.restart();
    BOOST_TEST(linux::findLink("br-" + net.substr(0, 12)).has_value());
    BOOST_CHECK_THROW((void)rebooted.driver->endpointInfo(net, endpoint), Error);
    rebooted.driver->deleteNetwork(net);
}

BOOST_AUTO_TEST_CASE(rules_that_somebody_removed_are_made_again) {
    const std::string net = network(57);
    const Container one(*this, net, 57, 2), other(*this, net, 57, 3);
    Server server(one.ns(), "0.0.0.0", 80);
    one.publish(portMap(80, 8080));
    run("nft flush ruleset");
    BOOST_TEST(connectFrom(neighbour.fd(), one.ip, 80).error == 0);  // nothing protects it now
    other.publish(portMap(80, 8081));
    BOOST_TEST(bool(connectFrom(neighbour.fd(), "192.0.2.1", 8080)));
    BOOST_TEST(connectFrom(neighbour.fd(), one.ip, 80, 400).error == ETIMEDOUT);
}

BOOST_AUTO_TEST_CASE(a_bridge_that_somebody_removed_is_made_again) {
    const std::string net = network(58);
    run("ip link delete br-" + net.substr(0, 12));
    const Container one(*this, net, 58, 2);
    Server server(one.ns(), "0.0.0.0", 80);
    BOOST_TEST(bool(connectFrom(self.get(), one.ip, 80)));
    run("ip link delete br-" + net.substr(0, 12));
    run("ip link delete " + hostLink(one));
    driver->leave(net, one.endpoint);
    driver->deleteEndpoint(net, one.endpoint);
    driver->deleteNetwork(net);
}

BOOST_AUTO_TEST_CASE(a_network_with_endpoints_stays) {
    const std::string net = network(59);
    const Container one(*this, net, 59, 2);
    BOOST_TEST(refusal([&] { driver->deleteNetwork(net); }).find("has active endpoints") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(nothing_in_the_host_changes_before_the_first_network) {
    BOOST_TEST(!run("nft list table ip davit"));
    BOOST_TEST(readSetting("ipv4/ip_forward").value() == "0");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(bridge_state)

BOOST_AUTO_TEST_CASE(records_survive_half_a_line_and_a_long_history) {
    const TempDir dir;
    {
        StateJournal state(dir.path());
        state.put("network/a", "{\"x\":1}", Sync::yes);
        for (int i = 0; i < 5000; ++i) state.put("endpoint/b", std::to_string(i));
        state.put("endpoint/c", "2");
        state.erase("endpoint/c");
    }
    BOOST_TEST(std::filesystem::file_size(dir.path() / "journal") < 100000U);
    {
        const UniqueFd journal = openFile(dir.path() / "journal", O_WRONLY | O_APPEND);
        writeAll(journal.get(), R"({"Name":"endpoint/d","Val)");
    }
    const StateJournal::Records records = StateJournal(dir.path()).records();
    BOOST_TEST(records.size() == 2U);
    BOOST_TEST(records.at("network/a") == "{\"x\":1}");
    BOOST_TEST(records.at("endpoint/b") == "4999");
}

BOOST_AUTO_TEST_SUITE_END()
