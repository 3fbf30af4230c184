#include <boost/test/unit_test.hpp>

#include "base/id.hpp"
#include "fake_drivers.hpp"

using namespace davit;
using namespace davit::network;
using namespace davit::network::test;

BOOST_FIXTURE_TEST_SUITE(controller_restore, Fixture)

BOOST_AUTO_TEST_CASE(networks_and_addresses_are_requested_again) {
    const Network made = make("one");
    const Sandbox before = open("box", {{"one", {}}});
    start();
    BOOST_TEST(controller->find("one").id == made.id);
    BOOST_TEST(addresses() == 2);  // the gateway's and the endpoint's
    BOOST_TEST(controller->retireOthers({"box"}).empty());
    const Sandbox after = controller->sandboxOf("box").value();
    BOOST_TEST(after.id == before.id);
    BOOST_TEST(after.endpoints.at(0).address == before.endpoints.at(0).address);
    BOOST_TEST(open("other", {{"one", {}}}).endpoints.at(0).address != before.endpoints.at(0).address);
}

BOOST_AUTO_TEST_CASE(an_interrupted_creation_is_undone) {
    Network network{.id = randomId(), .created = now(), .config = {}, .pools = {}};
    network.config.name = "half";
    network.config.driver = "fake";
    network.config.ipam.driver = "book";
    NetworkRows(*database).intendCreate(network);
    driver->networks[network.id];
    start();
    BOOST_TEST(driver->networks.empty());
    BOOST_TEST(NetworkRows(*database).networks().empty());
    make("half");
}

BOOST_AUTO_TEST_CASE(an_interrupted_removal_is_finished) {
    const Network made = make("one");
    NetworkRows(*database).setState(made.id, NetworkState::removing);
    start();
    BOOST_TEST(driver->networks.empty());
    BOOST_TEST(source.ipam_driver->pools.empty());
    BOOST_TEST(refusal([&] { (void)controller->find("one"); }) == "network one not found");
}

BOOST_AUTO_TEST_CASE(sandboxes_of_ended_runs_are_swept) {
    make("one");
    (void)open("box", {{"one", {}}});
    start();
    for (const std::string& id : controller->retireOthers({})) controller->sweep(id);
    BOOST_TEST(driver->endpoints.empty());
    BOOST_TEST(addresses() == 1);
    BOOST_TEST(namespaces() == 0);
    BOOST_TEST(NetworkRows(*database).sandboxes().empty());
    BOOST_TEST(!controller->sandboxOf("box"));
    controller->remove("one");
}

BOOST_AUTO_TEST_CASE(an_endpoint_that_was_being_made_is_removed) {
    make("one");
    make("two");
    Sandbox sandbox = open("box", {{"one", {}}});
    Endpoint half;
    half.id = randomId();
    half.network_id = controller->find("two").id;
    half.network_name = "two";
    half.interface_name = "eth1";
    driver->endpoints.insert(half.id);
    sandbox.endpoints.push_back(half);
    NetworkRows(*database).update(sandbox);
    start();
    (void)controller->retireOthers({"box"});
    BOOST_TEST(controller->sandboxOf("box").value().endpoints.size() == 1);
    BOOST_TEST(driver->endpoints.size() == 1);
    BOOST_TEST(NetworkRows(*database).sandboxes().at(0).sandbox.endpoints.size() == 1);
}

BOOST_AUTO_TEST_CASE(unknown_namespaces_are_removed) {
    makeNamespace(dir.path() / "netns" / "0123456789ab");
    make("one");
    (void)open("box", {{"one", {}}});
    BOOST_TEST(namespaces() == 2);
    start();
    (void)controller->retireOthers({"box"});
    BOOST_TEST(namespaces() == 1);
}

BOOST_AUTO_TEST_CASE(one_damaged_row_spoils_nothing_else) {
    make("good");
    database->write(state::Durability::synced, [](state::Connection& connection) {
        connection.run("INSERT INTO networks VALUES ('x', 'bad', 'ready', 'no json')");
        connection.run("INSERT INTO network_sandboxes VALUES ('y', 'no json')");
    });
    start();
    BOOST_TEST(controller->list().size() == 1);
    BOOST_TEST(controller->find("good").config.name == "good");
}

BOOST_AUTO_TEST_SUITE_END()
