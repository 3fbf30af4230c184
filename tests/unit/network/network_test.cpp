#include "network/network.hpp"

#include <boost/test/unit_test.hpp>

#include "base/error.hpp"

using namespace davit;
using namespace davit::network;

BOOST_AUTO_TEST_CASE(ports_are_read_and_written) {
    BOOST_TEST(Port::parse("80").text() == "80/tcp");
    BOOST_TEST(Port::parse("53/UDP").text() == "53/udp");
    for (const char* wrong : {"", "0", "70000", "80/", "80/icmp", "a", "-1", "80x/tcp"}) BOOST_CHECK_THROW((void)Port::parse(wrong), Error);
}

BOOST_AUTO_TEST_CASE(the_gateway_is_of_the_highest_priority_then_the_first_name) {
    const auto make = [](const char* name, int priority, const char* gateway) {
        Endpoint endpoint;
        endpoint.network_name = endpoint.network_id = name;
        endpoint.config.gateway_priority = priority;
        endpoint.gateway = gateway;
        endpoint.phase = Endpoint::Phase::attached;
        return endpoint;
    };
    Sandbox sandbox;
    BOOST_TEST(sandbox.gatewayEndpoint() == nullptr);
    sandbox.endpoints = {make("inner", 9, ""), make("b", 0, "10.0.0.1"), make("a", 0, "10.0.1.1")};
    BOOST_TEST(sandbox.gatewayEndpoint()->network_name == "a");
    sandbox.endpoints.push_back(make("z", 1, "10.0.2.1"));
    BOOST_TEST(sandbox.gatewayEndpoint()->network_name == "z");
    sandbox.endpoints.back().phase = Endpoint::Phase::removing;
    BOOST_TEST(sandbox.gatewayEndpoint()->network_name == "a");
}
