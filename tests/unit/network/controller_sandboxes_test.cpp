#include <boost/test/unit_test.hpp>

#include "fake_drivers.hpp"

using namespace davit;
using namespace davit::network;
using namespace davit::network::test;

namespace {

EndpointConfig at(const std::string& address) {
    EndpointConfig config;
    config.ipv4_address = address;
    return config;
}

EndpointConfig priority(int number) {
    EndpointConfig config;
    config.gateway_priority = number;
    return config;
}

std::string outputIn(const Sandbox& sandbox, const std::string& command) {
    std::string output;
    inNamespace(sandbox.key, [&] {
        FILE* const pipe = ::popen(command.c_str(), "r");
        char buffer[4096];
        while (const std::size_t got = std::fread(buffer, 1, sizeof buffer, pipe)) output.append(buffer, got);
        ::pclose(pipe);
    });
    return output;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(controller_sandboxes, Fixture)

BOOST_AUTO_TEST_CASE(a_sandbox_has_interfaces_addresses_and_a_route) {
    make("b", "10.201.0.0/24");
    make("a", "10.202.0.0/24");
    const Sandbox sandbox = open("box", {{"b", {}}, {"a", {}}});
    BOOST_TEST(sandbox.endpoints.at(0).interface_name == "eth0");
    BOOST_TEST(sandbox.endpoints.at(1).interface_name == "eth1");
    BOOST_TEST(sandbox.endpoints.at(0).address == "10.201.0.2/24");
    BOOST_TEST(outputIn(sandbox, "ip route show default").find("default via 10.202.0.1 dev eth1") == 0);  // "a" comes first
    BOOST_TEST(outputIn(sandbox, "ip link show lo").find("UP") != std::string::npos);
    BOOST_TEST(sandbox.key == (dir.path() / "netns" / sandbox.id.substr(0, 12)).string());
    BOOST_TEST(refusal([&] { controller->remove("a"); }).find("error while removing network: network a has active endpoints (name:\"box\" id:\"") == 0);
}

BOOST_AUTO_TEST_CASE(external_connectivity_follows_the_gateway) {
    const Network one = make("one");
    const Network two = make("two");
    Sandbox sandbox = open("box", {{"two", {}}}, onePort());
    BOOST_TEST(driver->count("Program " + two.id) == 1);
    BOOST_TEST(sandbox.endpoints.at(0).ports.at(0).host_port == 8080);
    sandbox = controller->connect("box", {"one", {}});
    BOOST_TEST(driver->count("Revoke " + two.id) == 1);
    BOOST_TEST(driver->count("Program " + one.id) == 1);
    BOOST_TEST(sandbox.endpoints.at(0).ports.empty());
    BOOST_TEST(sandbox.endpoints.at(1).ports.size() == 1);
    sandbox = controller->disconnect("box", one.id);
    BOOST_TEST(driver->count("Program " + two.id) == 2);
    BOOST_TEST(outputIn(sandbox, "ip route show default").find("default via 10.200.1.1") == 0);
    (void)controller->connect("box", {"one", priority(-1)});
    BOOST_TEST(driver->count("Program " + one.id) == 1);
}

BOOST_AUTO_TEST_CASE(a_failed_start_leaves_nothing) {
    make("one");
    for (const char* method : {"CreateEndpoint", "Join", "Program"}) {
        driver->fails = method;
        driver->calls.clear();
        const std::string text = refusal([&] { (void)open("box", {{"one", {}}}, onePort()); });
        BOOST_TEST(text.find(std::string(method) + " fails") != std::string::npos);
        BOOST_TEST(driver->endpoints.empty());
        BOOST_TEST(addresses() == 1);
        BOOST_TEST(namespaces() == 0);
        BOOST_TEST(NetworkRows(*database).sandboxes().empty());
    }
    BOOST_TEST(driver->calls.back() == "DeleteEndpoint");
    driver->fails.clear();
    controller->remove("one");
}

BOOST_AUTO_TEST_CASE(ports_that_can_not_be_published_name_the_endpoint) {
    make("one");
    driver->fails = "Program";
    const std::string text = refusal([&] { (void)open("box", {{"one", {}}}, onePort()); });
    BOOST_TEST(text.find("driver failed programming external connectivity on endpoint box (") == 0);
}

BOOST_AUTO_TEST_CASE(what_a_retired_sandbox_holds_is_there_for_the_next) {
    make("one", "10.201.0.0/24");
    const Sandbox first = open("box", {{"one", at("10.201.0.9")}});
    BOOST_TEST(refusal([&] { (void)open("other", {{"one", at("10.201.0.9")}}); }) == "Address already in use");
    BOOST_TEST(controller->retire("box").value() == first.id);
    BOOST_TEST(!controller->retire("box"));
    BOOST_TEST(driver->count("Leave") == 0);
    const Sandbox second = open("box", {{"one", at("10.201.0.9")}});
    BOOST_TEST(driver->count("Leave") == 1);
    BOOST_TEST(second.id != first.id);
    controller->sweep(first.id);  // it is gone: nothing happens
    BOOST_TEST(driver->count("Leave") == 1);
}

// The background may be done with it between the refusal and the look for what is retired.
BOOST_AUTO_TEST_CASE(what_is_swept_while_the_next_is_refused_is_there_for_it) {
    make("one", "10.201.0.0/24");
    const Sandbox first = open("box", {{"one", at("10.201.0.9")}});
    (void)controller->retire("box");
    source.ipam_driver->on_conflict = [&] { controller->sweep(first.id); };
    BOOST_TEST(open("box", {{"one", at("10.201.0.9")}}).id != first.id);
    BOOST_TEST(!source.ipam_driver->on_conflict);
}

BOOST_AUTO_TEST_CASE(a_driver_that_does_not_answer_is_asked_once) {
    make("one");
    const Sandbox first = open("box", {{"one", {}}});
    (void)controller->retire("box");
    driver->fails = "Join";
    driver->failure = Code::deadline;
    BOOST_CHECK_THROW((void)open("other", {{"one", {}}}), Error);
    BOOST_TEST(driver->count("Join") == 2);
    driver->failure = Code::system;
    BOOST_CHECK_THROW((void)open("other", {{"one", {}}}), Error);
    BOOST_TEST(driver->count("Join") == 4);  // after the sweep once more
}

BOOST_AUTO_TEST_CASE(a_sweep_that_fails_gives_nothing_back_twice) {
    make("one");
    make("two");
    const Sandbox sandbox = open("box", {{"one", {}}, {"two", {}}});
    (void)controller->retire("box");
    driver->fails = "DeleteEndpoint";
    controller->sweep(sandbox.id);
    BOOST_TEST(addresses() == 4);
    driver->fails.clear();
    controller->sweep(sandbox.id);
    BOOST_TEST(addresses() == 2);
    controller->sweep(sandbox.id);
    BOOST_TEST(addresses() == 2);
    BOOST_TEST(NetworkRows(*database).sandboxes().empty());
}

BOOST_AUTO_TEST_CASE(a_network_with_retired_endpoints_can_be_removed) {
    make("one");
    (void)open("box", {{"one", {}}});
    (void)controller->retire("box");
    controller->remove("one");
    BOOST_TEST(driver->endpoints.empty());
    BOOST_TEST(source.ipam_driver->pools.empty());
}

BOOST_AUTO_TEST_CASE(connecting_twice_or_disconnecting_what_is_not_there_is_refused) {
    make("one");
    const Network two = make("two");
    (void)open("box", {{"one", {}}});
    BOOST_TEST(refusal([&] { (void)controller->connect("box", {"one", {}}); }) == "endpoint with name box already exists in network one");
    BOOST_TEST(refusal([&] { (void)controller->disconnect("box", two.id); }) == "container box is not connected to network " + two.id);
    BOOST_TEST(refusal([&] { (void)controller->connect("absent", {"one", {}}); }) == "container absent has no network sandbox");
}

BOOST_AUTO_TEST_CASE(a_failed_connect_leaves_the_sandbox_as_it_was) {
    make("one");
    make("two");
    const Sandbox before = open("box", {{"one", {}}}, onePort());
    for (const char* method : {"CreateEndpoint", "Join"}) {
        driver->fails = method;
        BOOST_TEST(refusal([&] { (void)controller->connect("box", {"two", {}}); }) == std::string(method) + " fails");
        BOOST_TEST(driver->endpoints.size() == 1);
        BOOST_TEST(addresses() == 3);
        BOOST_TEST(NetworkRows(*database).sandboxes().at(0).sandbox.endpoints.size() == 1);
        BOOST_TEST(outputIn(before, "ip route show default").find("default via 10.200.0.1") == 0);
    }
    driver->fails.clear();
    BOOST_TEST(controller->connect("box", {"two", {}}).endpoints.size() == 2);
}

BOOST_AUTO_TEST_CASE(an_ipam_driver_that_needs_it_gets_a_mac) {
    source.ipam_driver->needs_mac = true;
    make("one");
    const std::string mac = open("box", {{"one", {}}}).endpoints.at(0).mac_address;
    BOOST_TEST(mac.size() == 17);
    BOOST_TEST(mac != "02:00:00:00:00:01");
}

BOOST_AUTO_TEST_CASE(a_process_that_runs_already_gets_an_interface) {
    make("one");
    const std::filesystem::path other = dir.path() / "other" / "ns";
    makeNamespace(other);
    const Sandbox sandbox = controller->open(
        {.container_id = "box", .container_name = "box", .endpoints = {{"one", {}}}, .ports = {}, .namespace_path = other.string()});
    inNamespace(other, [] { BOOST_TEST(std::system("ip link show eth0 > /dev/null") == 0); });
    controller->sweep(controller->retire("box").value());
    BOOST_TEST(namespaces() == 0U);
    inNamespace(other, [] { BOOST_TEST(std::system("ip link show eth0 > /dev/null 2>&1") != 0); });
    removeNamespace(other);
}

BOOST_AUTO_TEST_CASE(link_local_addresses_are_further_ones) {
    make("one");
    EndpointConfig config;
    config.link_local_addresses = {"169.254.7.7"};
    const Sandbox sandbox = open("box", {{"one", config}});
    inNamespace(sandbox.key, [] { BOOST_TEST(std::system("ip addr show eth0 | grep -q 169.254.7.7/16") == 0); });
    config.link_local_addresses = {"10.0.0.1"};
    BOOST_TEST(refusal([&] { (void)open("other", {{"one", config}}); }) == "invalid link local IP address: 10.0.0.1");
}

BOOST_AUTO_TEST_CASE(remains_of_a_container_that_is_gone_are_removed_by_its_name) {
    const std::string id = make("one").id;
    (void)open("box", {{"one", {}}});
    BOOST_TEST(refusal([&] { controller->removeRemains("box", id); }) == "endpoint box not found");
    (void)controller->retire("box");
    controller->removeRemains("box", id);
    BOOST_TEST(driver->endpoints.empty());
    BOOST_TEST(refusal([&] { controller->removeRemains("box", id); }) == "endpoint box not found");
}

BOOST_AUTO_TEST_SUITE_END()
