#include <boost/test/unit_test.hpp>

#include "fake_driver.hpp"

using namespace davit;
using namespace davit::volume;
using namespace davit::volume::test;

BOOST_FIXTURE_TEST_SUITE(volume_abilities, Fixture)

BOOST_AUTO_TEST_CASE(a_clone_is_a_volume_of_its_own) {
    make("data");
    const Volume clone = controller->clone({.source = "data", .snapshot = {}, .name = "copy"}, {{"k", "v"}});
    BOOST_TEST(clone.driver == "here");
    BOOST_TEST(controller->inspect("copy").labels.at("k") == "v");
    start();
    BOOST_TEST(names().size() == 2U);
    BOOST_TEST(refusal([&] { (void)controller->clone({.source = "data", .snapshot = {}, .name = "copy"}, {}); }, Code::conflict) ==
               "create copy: there is a volume copy: volume name must be unique");
}

BOOST_AUTO_TEST_CASE(a_clone_that_fails_leaves_nothing) {
    make("data");
    here->fail("Clone");
    BOOST_CHECK_THROW(controller->clone({.source = "data", .snapshot = {}, .name = "copy"}, {}), Error);
    BOOST_TEST(names().size() == 1U);
    BOOST_TEST(VolumeRows(*database).load().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_rename_takes_everything_along) {
    controller->create({.name = "old", .driver = {}, .options = {{"o", "x"}}, .labels = {{"k", "v"}}});
    controller->rename("old", "new");
    BOOST_TEST(names() == std::vector<std::string>{"new"}, boost::test_tools::per_element());
    start();
    BOOST_TEST(controller->inspect("new").labels.at("k") == "v");
    make("old");
    BOOST_TEST(refusal([&] { (void)controller->rename("old", "new"); }, Code::conflict) ==
               "create new: there is a volume new: volume name must be unique");
}

BOOST_AUTO_TEST_CASE(what_is_in_use_keeps_its_name) {
    make("old", "", "box");
    BOOST_TEST(refusal([&] { (void)controller->rename("old", "new"); }, Code::conflict) == "rename old: volume is in use - box");
}

BOOST_AUTO_TEST_CASE(a_driver_without_an_ability_says_so) {
    there->can = {};
    make("data", "there");
    BOOST_TEST(refusal([&] { controller->resize("data", 1); }, Code::unimplemented) ==
               "volume data: its driver there doesn't change the size of volumes");
    BOOST_TEST(!controller->usage(controller->inspect("data")).has_value());
    make("mine");
    controller->resize("mine", 4096);
    BOOST_TEST(here->count("Resize mine 4096") == 1);
}

BOOST_AUTO_TEST_SUITE_END()
