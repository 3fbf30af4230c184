#include <boost/test/unit_test.hpp>

#include "fake_drivers.hpp"

using namespace davit;
using namespace davit::network;
using namespace davit::network::test;

namespace {

NetworkConfig withPool(IpamPool pool) {
    NetworkConfig config;
    config.ipam.pools = {std::move(pool)};
    return config;
}

}  // namespace

BOOST_AUTO_TEST_CASE(pools_that_make_no_sense_are_refused) {
    const auto text = [](IpamPool pool) {
        const std::string whole = refusal([&] { checkIpamConfig(withPool(std::move(pool))); });
        return whole.substr(whole.find('\n') + 1);
    };
    BOOST_TEST(text({.subnet = "10.0.0.0/8", .ip_range = {}, .gateway = {}, .aux_addresses = {}}) == "accepted");
    BOOST_TEST(text({.subnet = "10.0.0.1/8", .ip_range = {}, .gateway = {}, .aux_addresses = {}}) == "invalid subnet 10.0.0.1/8: it should be 10.0.0.0/8");
    BOOST_TEST(text({.subnet = "x", .ip_range = {}, .gateway = {}, .aux_addresses = {}}) == "invalid subnet x: invalid CIDR block notation");
    BOOST_TEST(text({.subnet = "10.0.0.0/8", .ip_range = {}, .gateway = "11.0.0.1", .aux_addresses = {}}) ==
               "invalid gateway 11.0.0.1: parent subnet 10.0.0.0/8 doesn't contain this address");
    BOOST_TEST(text({.subnet = "10.0.0.0/8", .ip_range = "11.0.0.0/24", .gateway = {}, .aux_addresses = {}}) ==
               "invalid ip-range 11.0.0.0/24: parent subnet 10.0.0.0/8 doesn't contain ip-range");
    BOOST_TEST(text({.subnet = "10.0.0.0/8", .ip_range = {}, .gateway = {}, .aux_addresses = {{"a", "nonsense"}}}) ==
               "invalid auxiliary address nonsense: invalid address");
    BOOST_TEST(text({.subnet = {}, .ip_range = "10.0.0.0/24", .gateway = {}, .aux_addresses = {}}).find("no subnet") == 0);
}

BOOST_FIXTURE_TEST_CASE(an_address_that_can_not_be_is_given_back, Fixture) {
    make("one", "10.201.0.0/24");
    source.ipam_driver->lie = "10.9.9.9/24";
    BOOST_TEST(refusal([&] { (void)open("box", {{"one", {}}}); }) ==
               "the IPAM driver gave the address 10.9.9.9/24, which is outside of 10.201.0.0/24");
    BOOST_TEST(source.ipam_driver->count("ReleaseAddress 10.9.9.9") > 0U);
    BOOST_TEST(driver->endpoints.empty());
    BOOST_TEST(refusal([&] { make("two", "10.202.0.0/24"); }) ==
               "the IPAM driver gave the address 10.9.9.9/24, which is outside of 10.202.0.0/24");
    BOOST_TEST(source.ipam_driver->count("ReleasePool") > 0U);
}

BOOST_FIXTURE_TEST_CASE(auxiliary_addresses_are_taken, Fixture) {
    NetworkConfig config = withPool({.subnet = "10.201.0.0/24", .ip_range = {}, .gateway = "10.201.0.7", .aux_addresses = {{"router", "10.201.0.1"}}});
    config.name = "one";
    const Network network = controller->create(config);
    BOOST_TEST(network.pools.at(0).pool.gateway == "10.201.0.7");
    BOOST_TEST(addresses() == 2);
    BOOST_TEST(open("box", {{"one", {}}}).endpoints.at(0).address == "10.201.0.2/24");
}

BOOST_FIXTURE_TEST_CASE(a_chosen_pool_that_this_host_routes_is_given_back, Fixture) {
    source.ipam_driver->choices = {"10.200.0.0/24", "10.213.0.0/24"};
    BOOST_REQUIRE(std::system("unshare -n true") == 0);
    const std::filesystem::path path = dir.path() / "netns" / "abcdef";
    makeNamespace(path);
    std::string subnet;
    inNamespace(path, [&] {
        BOOST_REQUIRE(std::system("ip link add r0 type veth peer name r1 && ip link set r0 up && ip addr add 10.200.0.5/16 dev r0") == 0);
        subnet = make("one").pools.at(0).pool.subnet;
    });
    BOOST_TEST(subnet == "10.213.0.0/24");
    BOOST_TEST(source.ipam_driver->pools.size() == 1);
}

BOOST_FIXTURE_TEST_CASE(addresses_for_endpoints_are_checked, Fixture) {
    const Network chosen = make("chosen");
    const Network named = make("named", "10.201.0.0/24");
    const auto text = [](const Network& network, const std::string& address) {
        EndpointConfig config;
        config.ipv4_address = address;
        return refusal([&] { checkEndpointConfig(network, config); });
    };
    BOOST_TEST(text(named, "10.201.0.9") == "accepted");
    BOOST_TEST(text(named, "10.202.0.9") == "no configured subnet or ip-range contain the IP address 10.202.0.9");
    BOOST_TEST(text(named, "fd00::1") == "invalid IPv4 address: fd00::1");
    BOOST_TEST(text(chosen, "10.200.0.9") ==
               "user specified IP address is supported only when connecting to networks with user configured subnets");
    Network predefined = named;
    predefined.predefined = true;
    BOOST_TEST(text(predefined, "10.201.0.9") == "user specified IP address is supported on user defined networks only");
}
