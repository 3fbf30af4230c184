#include "network/driver_options.hpp"

#include <boost/test/unit_test.hpp>

using namespace davit;
using namespace davit::network;

BOOST_AUTO_TEST_CASE(options_are_libnetwork_s) {
    const PortSettings ports{.exposed = {{"tcp", 80}},
                             .bindings = {{.port = {"udp", 53}, .host_ip = "127.0.0.1", .host_port = 5353, .host_port_end = 5360}}};
    Endpoint endpoint;
    endpoint.interface_name = "eth0";
    endpoint.config.mac_address = "02:42:ac:11:00:02";
    endpoint.config.driver_opts = {{"speed", "9\""}};
    const JsonOptions options = endpointOptions(ports, endpoint);
    BOOST_TEST(options.at("com.docker.network.endpoint.exposedports") == R"([{"Proto":6,"Port":80}])");
    BOOST_TEST(options.at("com.docker.network.portmap") ==
               R"([{"Proto":17,"IP":"","Port":53,"HostIP":"127.0.0.1","HostPort":5353,"HostPortEnd":5360}])");
    BOOST_TEST(options.at("com.docker.network.endpoint.ifname") == R"("eth0")");
    BOOST_TEST(options.at("com.docker.network.endpoint.macaddress") == R"("02:42:ac:11:00:02")");
    BOOST_TEST(options.at("speed") == R"("9\"")");
}

BOOST_AUTO_TEST_CASE(published_ports_are_read_back) {
    const auto ports = publishedPorts({{"com.docker.network.portmap", R"([{"Proto":132,"IP":null,"Port":9,"HostIP":"::","HostPort":99}])"}});
    BOOST_TEST(ports.at(0).port.text() == "9/sctp");
    BOOST_TEST(ports.at(0).host_ip == "::");
    BOOST_TEST(ports.at(0).host_port == 99);
    BOOST_TEST(publishedPorts({}).empty());
}

BOOST_AUTO_TEST_CASE(gateways_travel_as_cidr) {
    Network network{.id = "n", .created = {}, .config = {}, .pools = {}};
    network.config.internal = true;
    network.pools = {{.family = IpFamily::v4, .id = "p", .address_space = "s",
                      .pool = {.subnet = "10.0.0.0/24", .ip_range = {}, .gateway = "10.0.0.1", .aux_addresses = {{"r", "10.0.0.9"}}}},
                     {.family = IpFamily::v6, .id = "q", .address_space = "s",
                      .pool = {.subnet = "fd00::/64", .ip_range = {}, .gateway = {}, .aux_addresses = {}}}};
    const CreateNetwork request = createRequest(network);
    BOOST_TEST(request.ipv4.at(0).gateway == "10.0.0.1/24");
    BOOST_TEST(request.ipv4.at(0).aux_addresses.at("r") == "10.0.0.9/24");
    BOOST_TEST(request.ipv6.at(0).gateway == "");
    BOOST_TEST(request.options.at("com.docker.network.internal") == "true");
    BOOST_TEST(request.options.at("com.docker.network.enable_ipv6") == "false");
}
