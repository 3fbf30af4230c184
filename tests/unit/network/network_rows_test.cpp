#include "network/network_rows.hpp"

#include <boost/test/unit_test.hpp>

using namespace davit;
using namespace davit::network;

BOOST_AUTO_TEST_CASE(a_network_survives_its_row) {
    Network network{.id = "i", .created = now(), .config = {}, .pools = {}};
    network.config.name = "n";
    network.config.driver = "d";
    network.config.labels = {{"a", "b"}};
    network.config.options = {{"o", "p"}};
    network.config.internal = true;
    network.config.enable_ipv6 = true;
    network.config.config_only = true;
    network.config.config_from = "other";
    network.config.ipam = {.driver = "book", .options = {{"x", "y"}}, .pools = {{.subnet = "10.0.0.0/8", .ip_range = {}, .gateway = {}, .aux_addresses = {}}}};
    network.pools = {{.family = IpFamily::v6, .id = "p", .address_space = "s",
                      .pool = {.subnet = "fd00::/64", .ip_range = "fd00::/80", .gateway = "fd00::1", .aux_addresses = {{"r", "fd00::2"}}}}};
    Network after;
    after.config.name = "n";
    decodeNetwork(encodeNetwork(network), after);
    after.id = "i";
    BOOST_TEST(encodeNetwork(after) == encodeNetwork(network));
    BOOST_TEST(after.config.ipam.pools.size() == 1);
    BOOST_TEST((after.config == network.config));
    BOOST_TEST((after.pools.at(0).family == IpFamily::v6));
}

BOOST_AUTO_TEST_CASE(a_sandbox_survives_its_row) {
    Sandbox sandbox;
    sandbox.container_id = "c";
    sandbox.container_name = "box";
    sandbox.key = "/run/x";
    sandbox.ports = {.exposed = {{"udp", 53}}, .bindings = {{.port = {"tcp", 80}, .host_ip = "127.0.0.1", .host_port = 1, .host_port_end = 2}}};
    Endpoint endpoint;
    endpoint.id = "e";
    endpoint.config.aliases = {"web"};
    endpoint.config.gateway_priority = -3;
    endpoint.phase = Endpoint::Phase::removing;
    endpoint.routes = {{"10.0.0.0/8", 1, ""}};
    endpoint.external = true;
    endpoint.ports = sandbox.ports.bindings;
    sandbox.endpoints = {endpoint};
    Sandbox after;
    decodeSandbox(encodeSandbox(sandbox), after);
    BOOST_TEST(encodeSandbox(after) == encodeSandbox(sandbox));
    BOOST_TEST((after.endpoints.at(0).config == endpoint.config));
    BOOST_TEST((after.endpoints.at(0).phase == Endpoint::Phase::removing));
    BOOST_TEST(after.endpoints.at(0).ports.at(0).host_port_end == 2);
}
