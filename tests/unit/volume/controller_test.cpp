#include "volume/controller.hpp"

#include <boost/test/unit_test.hpp>

#include "fake_driver.hpp"

using namespace davit;
using namespace davit::volume;
using namespace davit::volume::test;

BOOST_FIXTURE_TEST_SUITE(volume_controller, Fixture)

BOOST_AUTO_TEST_CASE(a_volume_is_made_once_and_found_again) {
    const auto made = controller->create({.name = "data", .driver = {}, .options = {{"o", "x"}}, .labels = {{"k", "v"}}});
    BOOST_TEST(made.made);
    BOOST_TEST(made.volume.driver == "here");
    BOOST_TEST(made.volume.created_at == "2026-01-01T00:00:00Z");
    const auto again = controller->create({.name = "data", .driver = "here", .options = {}, .labels = {}});
    BOOST_TEST(!again.made);
    BOOST_TEST(again.volume.labels.at("k") == "v");
    BOOST_TEST(here->count("Create data") == 1);
    const Volume seen = controller->inspect("data");
    BOOST_TEST(seen.options.at("o") == "x");
    BOOST_TEST(seen.status_json == R"({"a":1})");
}

BOOST_AUTO_TEST_CASE(one_without_a_name_gets_one_and_the_label) {
    const Volume volume = make("");
    BOOST_TEST(volume.name.size() == 64U);
    BOOST_TEST(volume.labels.contains(std::string(kAnonymousLabel)));
}

// Texts of dockerd 20.10.
BOOST_AUTO_TEST_CASE(a_name_belongs_to_one_driver) {
    make("data");
    BOOST_TEST(refusal([&] { make("data", "there"); }, Code::conflict) ==
               "create data: driver 'here' already has volume 'data': volume name must be unique");
    BOOST_TEST(refusal([&] { make("x", "nope"); }, Code::not_found) ==
               "create x: error looking up volume plugin nope: plugin \"nope\" not found");
    BOOST_TEST(refusal([&] { make("a/../../b"); }, Code::invalid).find("includes invalid characters") != std::string::npos);
    BOOST_TEST(refusal([&] { (void)controller->inspect("nope"); }, Code::not_found) == "get nope: no such volume");
    BOOST_TEST(refusal([&] { (void)controller->remove("nope", false); }, Code::not_found) == "get nope: no such volume");
}

BOOST_AUTO_TEST_CASE(a_create_that_fails_leaves_nothing) {
    here->fail("Create", Code::invalid);
    BOOST_TEST(refusal([&] { make("data"); }, Code::invalid) == "create data: Create fails");
    here->fail("");
    BOOST_TEST(names().empty());
    BOOST_TEST(VolumeRows(*database).load().empty());
    make("data");
}

BOOST_AUTO_TEST_CASE(what_is_in_use_is_not_removed) {
    make("data", "", "box");
    make("data", "", "other");
    BOOST_TEST(refusal([&] { (void)controller->remove("data", false); }, Code::conflict) == "remove data: volume is in use - [box, other]");
    BOOST_TEST(refusal([&] { (void)controller->remove("data", true); }, Code::conflict) == "remove data: volume is in use - [box, other]");
    controller->release("data", "box");
    controller->release("data", "other");
    controller->remove("data", false);
    BOOST_TEST(!here->has("data"));
    BOOST_TEST(names().empty());
}

BOOST_AUTO_TEST_CASE(a_removal_that_fails_keeps_the_volume_unless_forced) {
    make("data");
    here->fail("Remove");
    BOOST_TEST(refusal([&] { (void)controller->remove("data", false); }, Code::system) == "remove data: Remove fails");
    BOOST_TEST(names() == std::vector<std::string>{"data"}, boost::test_tools::per_element());
    controller->remove("data", true);
    BOOST_TEST(names().empty());
}

BOOST_AUTO_TEST_CASE(a_plugin_that_is_away_does_not_lose_its_volumes) {
    make("data", "there");
    source.drivers.erase("there");
    BOOST_TEST(refusal([&] { (void)controller->remove("data", false); }, Code::system).find("plugin \"there\" not found") != std::string::npos);
    BOOST_TEST(VolumeRows(*database).load().size() == 1U);
}

BOOST_AUTO_TEST_CASE(volumes_of_others_are_listed_and_taken_up_when_they_are_used) {
    there->create("theirs", {});
    BOOST_TEST(names() == std::vector<std::string>{"theirs"}, boost::test_tools::per_element());
    BOOST_TEST(VolumeRows(*database).load().empty());
    const auto used = controller->create({.name = "theirs", .driver = {}, .options = {}, .labels = {{"k", "v"}}}, "box");
    BOOST_TEST(!!used.made);
    BOOST_TEST(used.volume.driver == "there");
    BOOST_TEST(there->count("Create theirs") == 1);  // the one above
    BOOST_TEST(VolumeRows(*database).load().size() == 1U);
    controller->release("theirs", "box");
    controller->remove("theirs", false);
    BOOST_TEST(!there->has("theirs"));
}

BOOST_AUTO_TEST_CASE(one_that_its_driver_has_lost_is_made_again) {
    controller->create({.name = "data", .driver = "there", .options = {{"o", "x"}}, .labels = {{"k", "v"}}}, "box");
    there->remove("data");
    BOOST_TEST(names().empty());
    BOOST_TEST(controller->create({.name = "data", .driver = {}, .options = {}, .labels = {}}).made);
    const Volume again = controller->inspect("data");
    BOOST_TEST(again.driver == "there");
    BOOST_TEST(again.options.at("o") == "x");
    BOOST_TEST(again.labels.at("k") == "v");
    BOOST_TEST(controller->usersOf("data").contains("box"));
    there->remove("data");
    BOOST_CHECK_THROW(make("data", "here"), Error);
    controller->release("data", "box");
    BOOST_TEST(make("data", "here").driver == "here");
}

BOOST_AUTO_TEST_CASE(a_driver_that_does_not_answer_is_a_warning) {
    make("mine");
    make("theirs", "there");
    source.dead = {"there"};
    const VolumeList list = controller->list();
    BOOST_TEST(list.volumes.size() == 2U);
    BOOST_REQUIRE(list.warnings.size() == 1U);
    BOOST_TEST(list.warnings[0] == "there doesn't answer");
}

BOOST_AUTO_TEST_SUITE_END()
