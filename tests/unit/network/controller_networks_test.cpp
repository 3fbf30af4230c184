#include <boost/test/unit_test.hpp>

#include "fake_drivers.hpp"

using namespace davit;
using namespace davit::network;
using namespace davit::network::test;

BOOST_FIXTURE_TEST_SUITE(controller_networks, Fixture)

BOOST_AUTO_TEST_CASE(a_network_is_found_by_name_id_and_prefix) {
    const Network made = make("one");
    BOOST_TEST(made.config.driver == "fake");
    BOOST_TEST(made.pools.at(0).pool.subnet == "10.200.0.0/24");
    BOOST_TEST(made.pools.at(0).pool.gateway == "10.200.0.1");
    for (const std::string& ref : {std::string("one"), made.id, made.id.substr(0, 5)}) BOOST_TEST(controller->find(ref).id == made.id);
    BOOST_TEST(refusal([&] { (void)controller->find("two"); }) == "network two not found");
    BOOST_TEST(refusal([&] { (void)controller->find(""); }) == "network  not found");
    BOOST_TEST(driver->networks.at(made.id).ipv4.at(0).gateway == "10.200.0.1/24");
}

BOOST_AUTO_TEST_CASE(an_ambiguous_prefix_is_refused) {
    std::string first;
    std::set<char> seen;
    for (int number = 0; first.empty(); ++number) {
        NetworkConfig config;
        config.name = "n" + std::to_string(number);
        config.enable_ipv4 = false;
        config.enable_ipv6 = true;
        config.ipam.pools = {{.subnet = "fd00:" + std::to_string(number) + "::/64", .ip_range = {}, .gateway = "fd00:" + std::to_string(number) + "::1", .aux_addresses = {}}};
        const Network made = controller->create(config);
        if (!seen.insert(made.id[0]).second) first = made.id.substr(0, 1);
    }
    BOOST_TEST(refusal([&] { (void)controller->find(first); }) == "network " + first + " is ambiguous (2 matches found on ID prefix)");
}

BOOST_AUTO_TEST_CASE(names_are_unique) {
    make("one");
    BOOST_TEST(refusal([&] { make("one"); }) == "network with name one already exists");
    BOOST_TEST(refusal([&] { make("host"); }) == "operation is not permitted on predefined host network");
    BOOST_TEST(refusal([&] { make(" "); }) == "invalid name: name is empty");
}

BOOST_AUTO_TEST_CASE(a_failed_create_leaves_nothing) {
    for (const char* method : {"CreateNetwork"}) {
        driver->fails = method;
        BOOST_TEST(refusal([&] { make("one"); }) == std::string(method) + " fails");
    }
    driver->fails.clear();
    source.ipam_driver->fails = "RequestAddress";
    BOOST_TEST(refusal([&] { make("one"); }) == "RequestAddress fails");
    source.ipam_driver->fails.clear();
    BOOST_TEST(source.ipam_driver->pools.empty());
    BOOST_TEST(NetworkRows(*database).networks().empty());
    make("one");
}

BOOST_AUTO_TEST_CASE(a_removed_network_is_gone_everywhere) {
    const Network made = make("one");
    controller->remove("one");
    BOOST_TEST(driver->networks.empty());
    BOOST_TEST(source.ipam_driver->pools.empty());
    BOOST_TEST(NetworkRows(*database).networks().empty());
    BOOST_TEST(refusal([&] { controller->remove(made.id); }) == "network " + made.id + " not found");
}

BOOST_AUTO_TEST_CASE(a_network_that_its_driver_keeps_stays) {
    make("one");
    driver->fails = "DeleteNetwork";
    BOOST_TEST(refusal([&] { controller->remove("one"); }) == "DeleteNetwork fails");
    BOOST_TEST((NetworkRows(*database).networks().at(0).state == NetworkState::ready));
    BOOST_TEST(controller->find("one").config.name == "one");
    driver->fails.clear();
    controller->remove("one");
}

BOOST_AUTO_TEST_CASE(a_driver_of_one_network_gets_no_second) {
    const auto host = std::make_shared<FakeNetworkDriver>();
    host->can.host_namespace = true;
    host->can.singleton = true;
    source.networks["single"] = host;
    start();
    BOOST_TEST(controller->find("host").predefined);
    BOOST_TEST(controller->find("host").pools.empty());
    NetworkConfig config;
    config.name = "second";
    config.driver = "single";
    BOOST_TEST(refusal([&] { controller->create(config); }) == "only one instance of \"single\" network is allowed");
    BOOST_TEST(refusal([&] { controller->remove("host"); }) == "host is a pre-defined network and cannot be removed");
    const std::string id = controller->find("host").id;
    start();
    BOOST_TEST(controller->find("host").id == id);
}

BOOST_AUTO_TEST_CASE(a_configuration_is_no_network_of_a_driver) {
    NetworkConfig conf;
    conf.name = "conf";
    conf.config_only = true;
    conf.options = {{"o", "p"}};
    conf.labels = {{"a", "b"}};
    conf.ipam.pools = {{.subnet = "10.77.0.0/24", .ip_range = {}, .gateway = {}, .aux_addresses = {}}};
    (void)controller->create(conf);
    BOOST_TEST(driver->calls.empty());
    BOOST_TEST(source.ipam_driver->pools.empty());
    NetworkConfig config;
    config.name = "real";
    config.config_from = "conf";
    const Network real = controller->create(config);
    BOOST_TEST(real.config.options.at("o") == "p");
    BOOST_TEST(real.config.labels.at("a") == "b");
    BOOST_TEST(real.pools.at(0).pool.subnet == "10.77.0.0/24");
    BOOST_TEST(refusal([&] { controller->remove("conf"); }) ==
               "error while removing network: configuration network \"conf\" is in use");
    BOOST_TEST(refusal([&] { (void)open("box", {{"conf", {}}}); }) == "cannot create endpoint on configuration-only network");
    start();
    BOOST_TEST(controller->find("conf").config.config_only);
    controller->remove("real");
    controller->remove("conf");
}

BOOST_AUTO_TEST_CASE(options_that_are_not_given_are_the_daemons) {
    default_options["fake"] = {{"mtu", "1400"}, {"x", "daemon"}};
    start();
    NetworkConfig config;
    config.name = "one";
    config.options = {{"x", "own"}};
    const Options options = controller->create(config).config.options;
    BOOST_TEST(options.at("mtu") == "1400");
    BOOST_TEST(options.at("x") == "own");
}

BOOST_AUTO_TEST_SUITE_END()
