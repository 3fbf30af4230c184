#include <boost/test/unit_test.hpp>

#include "fake_drivers.hpp"

using namespace davit;
using namespace davit::network;
using namespace davit::network::test;

BOOST_FIXTURE_TEST_SUITE(controller_restate, Fixture)

BOOST_AUTO_TEST_CASE(a_driver_that_lost_its_state_is_told_again) {
    driver->can.repeatable = true;
    const Network made = make("one");
    (void)open("box", {{"one", {}}}, onePort());
    driver->networks.clear();
    driver->endpoints.clear();
    driver->calls.clear();
    start();
    BOOST_TEST(driver->networks.contains(made.id));
    BOOST_TEST(driver->endpoints.size() == 1U);
    BOOST_TEST(driver->calls == (std::vector<std::string>{"CreateNetwork", "CreateEndpoint", "Program " + made.id}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(one_that_may_refuse_repetitions_is_not) {
    make("one");
    (void)open("box", {{"one", {}}});
    driver->calls.clear();
    start();
    BOOST_TEST(driver->calls.empty());
}

BOOST_AUTO_TEST_CASE(others_servers_are_told_at_the_first_use) {
    make("one");
    const Sandbox before = open("box", {{"one", {}}});
    source.foreign.insert("fake");
    start();
    BOOST_TEST(source.expected.contains("fake"));
    BOOST_TEST(addresses() == 0U);
    BOOST_TEST(open("other", {{"one", {}}}).endpoints.at(0).address != before.endpoints.at(0).address);
    BOOST_TEST(addresses() == 3U);
}

BOOST_AUTO_TEST_CASE(what_could_not_be_restated_is_tried_again) {
    make("one");
    source.ipam_driver->fails = "RequestPool";
    start();
    BOOST_TEST(refusal([&] { (void)open("box", {{"one", {}}}); }) == "RequestPool fails");
    source.ipam_driver->fails.clear();
    BOOST_TEST(open("box", {{"one", {}}}).endpoints.size() == 1U);
    BOOST_TEST(addresses() == 2U);
}

BOOST_AUTO_TEST_CASE(the_standard_network_is_made_and_kept) {
    standard = NetworkConfig{};
    standard->name = "std";
    standard->driver = "fake";
    start();
    const std::string id = controller->find("std").id;
    BOOST_TEST(controller->find("std").predefined);
    BOOST_TEST(controller->defaultNetwork() == "std");
    start();
    BOOST_TEST(controller->find("std").id == id);
    standard.reset();
    start();
    BOOST_TEST(controller->defaultNetwork() == "none");
    BOOST_TEST(refusal([&] { (void)controller->find("std"); }) == "network std not found");
    BOOST_TEST(driver->networks.empty());
}

BOOST_AUTO_TEST_CASE(another_configuration_replaces_it_unless_containers_run) {
    standard = NetworkConfig{};
    standard->name = "std";
    standard->driver = "fake";
    start();
    const std::string id = controller->find("std").id;
    (void)open("box", {{"std", {}}});
    standard->options["x"] = "y";
    start();
    BOOST_TEST(controller->find("std").id == id);
    for (const std::string& sandbox : controller->retireOthers({})) controller->sweep(sandbox);
    start();
    BOOST_TEST(controller->find("std").id != id);
    BOOST_TEST(controller->find("std").config.options.at("x") == "y");
    BOOST_TEST(driver->networks.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_standard_network_that_can_not_be_made_is_still_the_default) {
    standard = NetworkConfig{};
    standard->name = "std";
    standard->driver = "fake";
    driver->fails = "CreateNetwork";
    start();
    BOOST_TEST(controller->defaultNetwork() == "std");
    BOOST_TEST(refusal([&] { (void)open("box", {{"std", {}}}); }) == "network std not found");
}

BOOST_AUTO_TEST_SUITE_END()
